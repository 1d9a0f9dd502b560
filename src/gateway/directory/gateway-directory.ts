import { DurableObject } from "cloudflare:workers";
import type { Actor, AuditEntry, AuditVerification } from "../contract/audit";
import type { Page } from "../contract/page";
import { Answers } from "../durable/answers";
import { AuditLog } from "../durable/audit-log";
import { type Outcome, toOutcome } from "../durable/outcome";
import { Store } from "../durable/store";
import type { DirectoryPort, PageRequest } from "../port";
import { allowsLoopback, endpointCalls, type EndpointDirectory } from "../webhook/reach";
import type { Listener } from "../webhook/subscription";
import type { Disabling } from "../webhook/target";
import { refusalOf } from "../webhook/url-policy";
import { DIRECTORY_SCHEMA } from "./schema";
import { Webhooks } from "./webhooks";

/** What was committed and could not be told at once is told within this time. */
const SOON_MS = 20_000;

/** What the gateway calls on its directory, and nothing else. */
export interface DirectoryStub {
  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome>;
}

/** Keeps what belongs to the gateway as a whole, and to no agent. The Worker exports it under this name. */
export class GatewayDirectory extends DurableObject implements DirectoryStub, EndpointDirectory {
  readonly #store: Store;
  readonly #answers: Answers;
  readonly #webhooks: Webhooks;
  readonly #services: readonly object[];

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#store = new Store(ctx.storage, DIRECTORY_SCHEMA);
    if (this.#store.exists()) this.#store.open();
    this.#answers = new Answers(this.#store);
    const audit = new AuditLog(this.#store, "/");
    this.#webhooks = new Webhooks(
      this.#store,
      { answers: this.#answers, audit },
      {
        expectAlarm: () => this.#wakeBy(Date.now() + SOON_MS),
        background: (work) => ctx.waitUntil(work),
        callsOf: (id) => endpointCalls(env, id),
        refusalOf: (url) => refusalOf(url, allowsLoopback(env)),
      },
    );
    this.#services = [new AuditService(audit), this.#webhooks];
  }

  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome> {
    return toOutcome(() => {
      const service = this.#services.find((candidate) => method in candidate);
      // Whoever calls a method does so with that method's own input: both sides are made from the same types.
      const answer = Reflect.get(service ?? {}, method) as (input: unknown, actor: Actor) => Promise<unknown>;
      return answer.call(service, input, actor);
    });
  }

  async listenersOf(agent: string): Promise<readonly Listener[]> {
    return this.#webhooks.endpoints.listenersOf(agent);
  }

  async endpointDisabled(endpointId: string, disabling: Disabling): Promise<void> {
    await this.#webhooks.disabled(endpointId, disabling);
  }

  /** Does what is left, and sweeps. */
  override async alarm(): Promise<void> {
    if (!this.#store.exists()) return;
    this.#wakes = undefined;
    await this.#webhooks.errands.runAll();
    this.#answers.sweep(Date.now());
    const soon = this.#webhooks.errands.any() ? Date.now() + SOON_MS : undefined;
    const next = soon ?? this.#answers.nextSweepAt();
    if (next !== undefined) this.#wakeBy(next);
  }

  /** When the alarm was set to, by this process. */
  #wakes: number | undefined;

  /** Sets the alarm, with the change that is under way, unless it rings earlier. */
  #wakeBy(at: number): void {
    if (this.#wakes !== undefined && this.#wakes <= at && this.#wakes > Date.now()) return;
    this.#wakes = at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at));
  }
}

/** Answers what doors ask of the audit log. */
class AuditService implements Pick<DirectoryPort, "listAudit" | "verifyAudit"> {
  readonly #audit: AuditLog;

  constructor(audit: AuditLog) {
    this.#audit = audit;
  }

  async listAudit(request: PageRequest): Promise<Page<AuditEntry>> {
    return this.#audit.page(request);
  }

  async verifyAudit({ cursor }: { readonly cursor: string | undefined }): Promise<AuditVerification> {
    return this.#audit.verify(cursor);
  }
}
