import { DurableObject } from "cloudflare:workers";
import type { Actor, AuditEntry, AuditVerification } from "../contract/audit";
import type { Page } from "../contract/page";
import type { ApiKey } from "../contract/key";
import { AuditLog, AUDIT_TABLE } from "../durable/audit-log";
import { type Outcome, toOutcome } from "../durable/outcome";
import { type Schema, Store } from "../durable/store";
import type { DirectoryPort, KeysPort, PageRequest } from "../port";
import { KeyList, KEYS_TABLE, type OpenKey } from "./key-list";
import { KEY_SCHEMA, KeyObject } from "./key-object";
import { type DirectoryStub, openKeys } from "./stubs";

const SCHEMA: Schema = { migrations: [AUDIT_TABLE, KEYS_TABLE] };

/**
 * Keeps what belongs to the gateway as a whole, and to no agent: one object of this class is the directory, and each key has
 * one of its own. The Worker exports it under this name.
 */
export class GatewayDirectory extends DurableObject implements DirectoryStub {
  readonly #service: DirectoryService;
  readonly #key: KeyObject;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    // Which of the two it is follows from what is called; neither writes anything before.
    this.#service = new DirectoryService(new Store(ctx.storage, SCHEMA), openKeys(env));
    this.#key = new KeyObject(new Store(ctx.storage, KEY_SCHEMA));
  }

  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome> {
    return answered(this.#service, method, input, actor);
  }

  keyCall(method: keyof KeyObject, input: unknown): Promise<Outcome> {
    return answered(this.#key, method, input);
  }
}

function answered(service: object, method: string, ...inputs: unknown[]): Promise<Outcome> {
  return toOutcome(() => {
    // Whoever calls a method does so with that method's own input: both sides are made from the same types.
    const answer = Reflect.get(service, method) as (...given: unknown[]) => Promise<unknown>;
    return answer.apply(service, inputs);
  });
}

/** {@link DirectoryPort}, with who asks beside what is asked. */
type Answering<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (input: infer Input) => infer Answer
    ? (input: Input, actor: Actor) => Answer
    : never;
};

/** Answers what doors ask of the directory. */
class DirectoryService implements Answering<DirectoryPort> {
  readonly #audit: AuditLog;
  readonly #keys: KeyList;

  constructor(store: Store, openKey: OpenKey) {
    this.#audit = new AuditLog(store, "/");
    this.#keys = new KeyList(store, this.#audit, openKey);
  }

  listKeys(input: Parameters<KeysPort["listKeys"]>[0]): Promise<Page<ApiKey>> {
    return this.#keys.listKeys(input);
  }

  getKey(input: Parameters<KeysPort["getKey"]>[0]): Promise<ApiKey> {
    return this.#keys.getKey(input);
  }

  createKey(input: Parameters<KeysPort["createKey"]>[0], actor: Actor): Promise<ApiKey> {
    return this.#keys.createKey(input, actor);
  }

  rotateKey(input: Parameters<KeysPort["rotateKey"]>[0], actor: Actor): Promise<ApiKey> {
    return this.#keys.rotateKey(input, actor);
  }

  revokeKey(input: Parameters<KeysPort["revokeKey"]>[0], actor: Actor): Promise<ApiKey> {
    return this.#keys.revokeKey(input, actor);
  }

  async listAudit(request: PageRequest): Promise<Page<AuditEntry>> {
    return this.#audit.page(request);
  }

  async verifyAudit({ cursor }: { readonly cursor: string | undefined }): Promise<AuditVerification> {
    return this.#audit.verify(cursor);
  }
}
