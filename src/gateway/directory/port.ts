import type { KeyHolder } from "../contract/key";
import { ProblemError } from "../contract/problem";
import type { Actor } from "../contract/audit";
import { fromOutcome } from "../durable/outcome";
import { remoteClass } from "../durable/remote";
import type { DirectoryPort, OpenDirectory } from "../directory-port";
import { directoryStub, openKeys } from "./stubs";

/** What the directory is asked. */
const METHODS = {
  ping: true,
  listAudit: true,
  verifyAudit: true,
  listEndpoints: true,
  createEndpoint: true,
  getEndpoint: true,
  updateEndpoint: true,
  deleteEndpoint: true,
  testEndpoint: true,
  rotateSecret: true,
  listDeliveries: true,
  getDelivery: true,
  redeliver: true,
  redeliverMany: true,
  listKeys: true,
  getKey: true,
  createKey: true,
  rotateKey: true,
  revokeKey: true,
} as const satisfies Record<keyof DirectoryPort, true>;

/** Reaches the directory through its binding, in one round trip. */
export function openDirectory(env: object): OpenDirectory {
  const RemoteDirectory = remoteClass<DirectoryPort, Actor>(METHODS, async (actor, method, input) =>
    // The directory answers each method with that method's own type: both sides are made from DirectoryPort.
    fromOutcome(await directoryStub(env).directoryCall(method as keyof DirectoryPort, input, actor)),
  );
  return (actor) => new RemoteDirectory(actor);
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
