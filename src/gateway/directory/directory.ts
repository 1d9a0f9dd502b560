import type { AuditEntry, AuditVerification } from "../contract/audit";
import type { Page } from "../contract/page";
import { Answers } from "../durable/answers";
import { AuditLog } from "../durable/audit-log";
import { Store } from "../durable/store";
import type { DirectoryPort } from "../directory-port";
import type { PageRequest } from "../port";
import { KeyList, type OpenKey } from "./key-list";
import { DIRECTORY_SCHEMA } from "./schema";
import { Webhooks, type WebhooksHost } from "./webhooks";

/** What was committed and could not be told at once is told within this time. */
const SOON_MS = 20_000;

/** What the directory needs of the object that it lives in, and reaches by it. */
export interface DirectoryHost extends Omit<WebhooksHost, "expectAlarm"> {
  readonly openKey: OpenKey;
}

/** What belongs to the gateway as a whole: its keys, its webhook endpoints, and the log of what was done to them. */
export class Directory {
  readonly webhooks: Webhooks;
  readonly #storage: DurableObjectStorage;
  readonly #host: DirectoryHost;
  readonly #store: Store;
  readonly #answers: Answers;
  readonly #services: readonly object[];

  constructor(storage: DurableObjectStorage, host: DirectoryHost) {
    this.#storage = storage;
    this.#host = host;
    this.#store = new Store(storage, DIRECTORY_SCHEMA);
    if (this.#store.exists()) this.#store.open();
    this.#answers = new Answers(this.#store);
    const audit = new AuditLog(this.#store, "/");
    const waking = { ...host, expectAlarm: () => this.#wakeBy(Date.now() + SOON_MS) };
    this.webhooks = new Webhooks(this.#store, { answers: this.#answers, audit }, waking);
    this.#services = [
      new OwnService(audit),
      this.webhooks,
      new KeyList(this.#store, audit, (id) => host.openKey(id)),
    ];
  }

  /** The part that answers a method: it is called with the input and with who asks. */
  serviceOf(method: keyof DirectoryPort): object {
    return this.#services.find((candidate) => method in candidate) ?? {};
  }

  /** Does what is left, and sweeps. */
  async ring(): Promise<void> {
    if (!this.#store.exists()) return;
    this.#wakes = undefined;
    await this.webhooks.errands.runAll();
    this.#answers.sweep(Date.now());
    const soon = this.webhooks.errands.any() ? Date.now() + SOON_MS : undefined;
    const next = soon ?? this.#answers.nextSweepAt();
    if (next !== undefined) this.#wakeBy(next);
  }

  /** When the alarm was set to, by this process. */
  #wakes: number | undefined;

  /** Sets the alarm, with the change that is under way, unless it rings earlier. */
  #wakeBy(at: number): void {
    if (this.#wakes !== undefined && this.#wakes <= at && this.#wakes > Date.now()) return;
    this.#wakes = at;
    this.#host.background(this.#storage.setAlarm(at));
  }
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
