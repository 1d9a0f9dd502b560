import { ProblemError } from "../contract/problem";
import { fromOutcome } from "../durable/outcome";
import type { DirectoryPort, OpenDirectory } from "../port";
import type { DirectoryStub } from "./gateway-directory";

/** Name of the Durable Object binding of the directory. */
const BINDING = "SWITCHYARD_DIRECTORY";

/** Reaches the directory through its binding, in one round trip. */
export function openDirectory(env: object): OpenDirectory {
  return (actor) => {
    const call = async <Method extends keyof DirectoryPort>(
      method: Method,
      input?: Parameters<DirectoryPort[Method]>[0],
    ): Promise<Awaited<ReturnType<DirectoryPort[Method]>>> => {
      const outcome = await stubOf(env).directoryCall(method, input, actor);
      // The directory answers each method with that method's own type: both sides are made from DirectoryPort.
      return fromOutcome(outcome) as Awaited<ReturnType<DirectoryPort[Method]>>;
    };
    return {
      ping: () => call("ping"),
      listAudit: (input) => call("listAudit", input),
      verifyAudit: (input) => call("verifyAudit", input),
    };
  };
}

/** @throws ProblemError `gateway_not_configured` if there is no directory. */
function stubOf(env: object): DirectoryStub {
  const namespace: unknown = Reflect.get(env, BINDING);
  if (typeof namespace !== "object" || namespace === null || !("getByName" in namespace)) {
    throw new ProblemError("gateway_not_configured", {
      detail:
        `Add the Durable Object binding ${BINDING} of class GatewayDirectory to wrangler.jsonc, and export the class from ` +
        "the main module.",
    });
  }
  // The binding is untyped here: it is for GatewayDirectory.
  return (namespace as DurableObjectNamespace).getByName("directory") as unknown as DirectoryStub;
}
