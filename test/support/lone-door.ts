import { Hono, type MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import type { GatewayEnv } from "../../routes/gateway-env.ts";
import { onError } from "../../routes/problem-response.ts";
import { traced } from "../../routes/trace.ts";
import type { Authenticator, Principal } from "../../src/gateway/auth/principal.ts";
import { signingKeys } from "../../src/gateway/auth/signing-keys.ts";
import { streamTokens } from "../../src/gateway/auth/stream-token.ts";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { formatAgentPath } from "../../src/gateway/contract/names.ts";
import type { AgentPort, Port } from "../../src/gateway/port.ts";

/** What somebody asked of an agent. */
interface Deed {
  readonly path: string;
  readonly actor: Actor;
}

/** How a door is set up. */
export interface Setting {
  /** Whether there is any key; true unless given. */
  readonly configured?: boolean;
  /** Requests that are let through; all unless given. */
  readonly most?: number;
}

/**
 * A door behind which is nothing: whoever gets so far is noted.
 *
 * @param mount mounts the door, over what `provide` gives to each request.
 */
export function loneDoor(
  principal: Principal | undefined,
  { configured = true, most = Infinity }: Setting,
  mount: (app: Hono<GatewayEnv>, provide: MiddlewareHandler<GatewayEnv>) => void,
) {
  const reached: Deed[] = [];
  const counted: string[] = [];
  const routes: GatewayEnv["Variables"]["route"][] = [];
  const problems: GatewayEnv["Variables"]["problem"][] = [];
  const authenticator: Authenticator = {
    configured,
    streamTokens: streamTokens(signingKeys({ signingKeys: undefined, apiKey: "a key that is long enough" })),
    mintKey: (id = "0123456789abcdef") => Promise.resolve({ id, key: "sy", digest: "d" }),
    authenticate: async () => principal,
  };
  const port: Pick<Port, "at"> = {
    at(path, actor) {
      reached.push({ path: formatAgentPath(path), actor });
      return { describe: async () => ({ path: formatAgentPath(path) }) } as unknown as AgentPort;
    },
  };
  const app = new Hono<GatewayEnv>();
  app.onError(onError);
  app.use(requestId(), traced);
  mount(app, async function provide(c, next) {
    c.set("authenticator", authenticator);
    c.set("port", port as Port);
    c.set("directory", () => ({ ping: async () => {} }) as never);
    c.set("streams", { maxAgeMs: 1_000, perInstance: 1, perCaller: 1 });
    c.set("limits", []);
    c.set("callbackSenders", { names: [], verify: async () => undefined });
    c.set("rateLimit", {
      policy: { requests: 5, seconds: 10 },
      limiter: { limit: async ({ key }) => ({ success: counted.push(key) <= most }) },
    });
    await next();
    routes.push(c.get("route"));
    problems.push(c.get("problem"));
  });
  return { app, reached, counted, routes, problems };
}
