import { Client as McpClient, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCClient,
  type TRPCLink,
} from "@trpc/client";
import { tap } from "@trpc/server/observable";
import { type Client, createClient } from "../../src/client.ts";
import type { AppRouter } from "../../src/gateway.ts";
import type { TypedGateway } from "../../src/gateway/registry/wire.ts";
import { ask, inspect } from "../support/received.ts";

/** Where a client finds a gateway. */
export interface Place {
  readonly url: URL;
  readonly key: string;
}

/** A request as `fetch` takes it; everything that comes back is inspected. */
const inspected = (url: URL | RequestInfo, init?: RequestInit): Promise<Response> =>
  ask(new URL(url instanceof Request ? url.url : String(url)), init);

/** The client of the gateway at a place. */
export function clientOf<App extends TypedGateway>({ url, key }: Place): Client<App> {
  return createClient<App>({ url, key, fetch: inspected });
}

/** A tRPC client of the gateway at a place. @param token lets its subscriptions in, since an EventSource sends no header. */
export function trpcOf<App extends TypedGateway>(place: Place, token?: string): TRPCClient<AppRouter<App>> {
  // As it runs a client knows nothing of the router that it is for.
  return createTRPCClient<AnyRouter>({ links: linksOf(place, token) }) as unknown as TRPCClient<
    AppRouter<App>
  >;
}

/** Which revisions of MCP a client speaks: those of 2025, or whichever both sides know. */
export type McpMode = "legacy" | "auto";

/** A client of MCP that is connected to the gateway at a place. @param query of the connection's address. */
export async function mcpOf({ url, key }: Place, query = "", mode: McpMode = "auto"): Promise<McpClient> {
  const client = new McpClient({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(new URL(`/mcp${query}`, url), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
    fetch: inspected,
  });
  await client.connect(transport);
  return client;
}

/** What an EventSource receives passes nowhere else. */
const inspecting: TRPCLink<AnyRouter> =
  () =>
  ({ op, next }) =>
    next(op).pipe(tap({ next: ({ result }) => inspect(op.path, JSON.stringify(result)) }));

type AnyRouter = AppRouter<TypedGateway>;

function linksOf({ url, key }: Place, token: string | undefined): TRPCLink<AnyRouter>[] {
  const there = {
    url: new URL("/trpc", url).href,
    headers: { authorization: `Bearer ${key}` },
    fetch: inspected as never,
  };
  return [
    inspecting,
    splitLink<AnyRouter>({
      condition: ({ type }) => type === "subscription",
      true: httpSubscriptionLink({
        url: there.url,
        connectionParams: token === undefined ? null : { token },
        EventSource: EventSource as never,
      }),
      false: splitLink<AnyRouter>({
        condition: ({ context }) => context["batch"] === true,
        true: httpBatchLink<AnyRouter>(there),
        false: httpLink<AnyRouter>(there),
      }),
    }),
  ];
}
