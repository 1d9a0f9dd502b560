import type { Actor } from "../contract/audit";
import { ProblemError } from "../contract/problem";
import { fromOutcome, type Outcome } from "../durable/outcome";
import type { DirectoryPort } from "../directory-port";
import type { KeyObject } from "./key-object";

/** Name of the Durable Object binding of the directory. */
const BINDING = "SWITCHYARD_DIRECTORY";

/** What the gateway calls on its directory, and nothing else. */
export interface DirectoryStub {
  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome>;
  /** Asked of the object of one key. */
  keyCall(method: keyof KeyObject, input: unknown): Promise<Outcome>;
}

/** Reaches the directory itself. @throws ProblemError `gateway_not_configured` if there is none. */
export function directoryStub(env: object): DirectoryStub {
  return stubNamed(env, "directory");
}

/** Reaches the object of a key, each in one round trip. */
export function openKeys(env: object): (id: string) => Omit<KeyObject, "#store"> {
  return (id) => {
    const call = async <Method extends keyof KeyObject>(
      method: Method,
      input: Parameters<KeyObject[Method]>[0],
    ): Promise<Awaited<ReturnType<KeyObject[Method]>>> => {
      const outcome = await stubNamed(env, `key:${id}`).keyCall(method, input);
      // The object answers each method with that method's own type.
      return fromOutcome(outcome) as Awaited<ReturnType<KeyObject[Method]>>;
    };
    return {
      check: (input) => call("check", input),
      create: (input) => call("create", input),
      rotate: (input) => call("rotate", input),
      revoke: (input) => call("revoke", input),
    };
  };
}

function stubNamed(env: object, name: string): DirectoryStub {
  const namespace: unknown = Reflect.get(env, BINDING);
  if (typeof namespace !== "object" || namespace === null || !("getByName" in namespace)) {
    throw new ProblemError("gateway_not_configured", {
      detail:
        `Add the Durable Object binding ${BINDING} of class GatewayDirectory to wrangler.jsonc, and export the class from ` +
        "the main module.",
    });
  }
  // The binding is untyped here: it is for GatewayDirectory.
  return (namespace as DurableObjectNamespace).getByName(name) as unknown as DirectoryStub;
}
