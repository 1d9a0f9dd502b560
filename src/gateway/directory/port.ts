import type { KeyHolder } from "../contract/key";
import { ProblemError } from "../contract/problem";
import { fromOutcome } from "../durable/outcome";
import type { DirectoryPort, OpenDirectory } from "../directory-port";
import { directoryStub, openKeys } from "./stubs";

/** Reaches the directory through its binding, in one round trip. */
export function openDirectory(env: object): OpenDirectory {
  return (actor) => {
    const call = async <Method extends keyof DirectoryPort>(
      method: Method,
      input?: Parameters<DirectoryPort[Method]>[0],
    ): Promise<Awaited<ReturnType<DirectoryPort[Method]>>> => {
      const outcome = await directoryStub(env).directoryCall(method, input, actor);
      // The directory answers each method with that method's own type: both sides are made from DirectoryPort.
      return fromOutcome(outcome) as Awaited<ReturnType<DirectoryPort[Method]>>;
    };
    return {
      ping: () => call("ping"),
      listAudit: (input) => call("listAudit", input),
      verifyAudit: (input) => call("verifyAudit", input),
      listEndpoints: (input) => call("listEndpoints", input),
      createEndpoint: (input) => call("createEndpoint", input),
      getEndpoint: (input) => call("getEndpoint", input),
      updateEndpoint: (input) => call("updateEndpoint", input),
      deleteEndpoint: (input) => call("deleteEndpoint", input),
      testEndpoint: (input) => call("testEndpoint", input),
      rotateSecret: (input) => call("rotateSecret", input),
      listDeliveries: (input) => call("listDeliveries", input),
      getDelivery: (input) => call("getDelivery", input),
      redeliver: (input) => call("redeliver", input),
      redeliverMany: (input) => call("redeliverMany", input),
      listKeys: (input) => call("listKeys", input),
      getKey: (input) => call("getKey", input),
      createKey: (input) => call("createKey", input),
      rotateKey: (input) => call("rotateKey", input),
      revokeKey: (input) => call("revokeKey", input),
    };
  };
}

/** Asks the object of a key, and nothing else, who holds it. @throws ProblemError `credentials_unchecked` if it cannot be reached. */
export function lookUpKey(env: object): (id: string, digest: string) => Promise<KeyHolder | undefined> {
  const open = openKeys(env);
  return async (id, digest) => {
    try {
      return (await open(id).check({ digest, now: Date.now() })) ?? undefined;
    } catch (failure) {
      if (failure instanceof ProblemError) throw failure;
      console.warn("switchyard: a key could not be checked", failure);
      throw new ProblemError("credentials_unchecked");
    }
  };
}
