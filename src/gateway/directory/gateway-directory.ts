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
import { KeyList } from "./key-list";
import { KEY_SCHEMA, KeyObject } from "./key-object";
import { DIRECTORY_SCHEMA } from "./schema";
import { type DirectoryStub, openKeys } from "./stubs";
import { Webhooks } from "./webhooks";

/** What was committed and could not be told at once is told within this time. */
const SOON_MS = 20_000;

/**
 * Keeps what belongs to the gateway as a whole, and to no agent: one object of this class is the directory, and each key has
 * one of its own. The Worker exports it under this name.
 */
export class GatewayDirectory extends DurableObject implements DirectoryStub, EndpointDirectory {
  readonly #store: Store;
  readonly #answers: Answers;
  readonly #webhooks: Webhooks;
  readonly #services: readonly object[];
  readonly #key: KeyObject;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    // Which of the two it is follows from what is called; neither writes anything before.
    this.#key = new KeyObject(new Store(ctx.storage, KEY_SCHEMA));
    this.#store = new Store(ctx.storage, DIRECTORY_SCHEMA);
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
    this.#services = [new OwnService(audit), new KeyList(this.#store, audit, openKeys(env)), this.#webhooks];
  }

  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome> {
    this.#bringUpToDate();
    return answered(this.#services.find((candidate) => method in candidate) ?? {}, method, input, actor);
  }

  keyCall(method: keyof KeyObject, input: unknown): Promise<Outcome> {
    return answered(this.#key, method, input);
  }

  async listenersOf(agent: string): Promise<readonly Listener[]> {
    this.#bringUpToDate();
    return this.#webhooks.endpoints.listenersOf(agent);
  }

  async endpointDisabled(endpointId: string, disabling: Disabling): Promise<void> {
    this.#bringUpToDate();
    await this.#webhooks.disabled(endpointId, disabling);
  }

  /** Does what is left, and sweeps. */
  override async alarm(): Promise<void> {
    if (!this.#store.exists()) return;
    this.#bringUpToDate();
    this.#wakes = undefined;
    await this.#webhooks.errands.runAll();
    this.#answers.sweep(Date.now());
    const soon = this.#webhooks.errands.any() ? Date.now() + SOON_MS : undefined;
    const next = soon ?? this.#answers.nextSweepAt();
    if (next !== undefined) this.#wakeBy(next);
  }

  /** Reading makes no tables, but those of an older version are brought to the present one. */
  #bringUpToDate(): void {
    if (this.#store.exists()) this.#store.open();
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

function answered(service: object, method: string, input: unknown, actor?: Actor): Promise<Outcome> {
  return toOutcome(() => {
    // Whoever calls a method does so with that method's own input: both sides are made from the same types.
    const answer = Reflect.get(service, method) as (input: unknown, actor?: Actor) => Promise<unknown>;
    return answer.call(service, input, actor);
  }, actor);
}

/** Answers what doors ask of the directory itself. */
class OwnService implements Pick<DirectoryPort, "ping" | "listAudit" | "verifyAudit"> {
  readonly #audit: AuditLog;

  constructor(audit: AuditLog) {
    this.#audit = audit;
  }

  async ping(): Promise<void> {}

  async listAudit(request: PageRequest): Promise<Page<AuditEntry>> {
    return this.#audit.page(request);
  }

  async verifyAudit({ cursor }: { readonly cursor: string | undefined }): Promise<AuditVerification> {
    return this.#audit.verify(cursor);
  }
}
