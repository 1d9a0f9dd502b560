import { DurableObject } from "cloudflare:workers";
import type { Actor, AuditEntry, AuditVerification } from "../contract/audit";
import type { Page } from "../contract/page";
import { AuditLog, AUDIT_TABLE } from "../durable/audit-log";
import { type Outcome, toOutcome } from "../durable/outcome";
import { type Schema, Store } from "../durable/store";
import type { DirectoryPort, PageRequest } from "../port";

const SCHEMA: Schema = { migrations: [AUDIT_TABLE] };

/** What the gateway calls on its directory, and nothing else. */
export interface DirectoryStub {
  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome>;
}

/** Keeps what belongs to the gateway as a whole, and to no agent. The Worker exports it under this name. */
export class GatewayDirectory extends DurableObject implements DirectoryStub {
  readonly #service: DirectoryService;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#service = new DirectoryService(new Store(ctx.storage, SCHEMA));
  }

  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome> {
    return toOutcome(() => {
      // Whoever calls a method does so with that method's own input: both sides are made from the same types.
      const answer = Reflect.get(this.#service, method) as (input: unknown) => Promise<unknown>;
      return answer.call(this.#service, input);
    }, actor);
  }
}

/** Answers what doors ask of the directory. */
class DirectoryService implements DirectoryPort {
  readonly #audit: AuditLog;

  constructor(store: Store) {
    this.#audit = new AuditLog(store, "/");
  }

  async ping(): Promise<void> {}

  async listAudit(request: PageRequest): Promise<Page<AuditEntry>> {
    return this.#audit.page(request);
  }

  async verifyAudit({ cursor }: { readonly cursor: string | undefined }): Promise<AuditVerification> {
    return this.#audit.verify(cursor);
  }
}
