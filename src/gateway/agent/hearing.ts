import type { WorkflowCallback } from "agents/workflows";
import { isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { Adoption } from "./adoption";
import { AuthorCalls, type WorkflowNews } from "./callbacks";
import type { Inspection } from "./inspection";
import type { InstanceRow } from "./ledger";
import { receive, type Told } from "./reception";
import type { Records } from "./records";
import type { Report } from "./reports";
import { hear } from "./stock-callbacks";

/** Where what a workflow says goes to. */
export interface HearingHost {
  /** Whether the author's class does anything with news of this type, or of any type. */
  hears(type?: WorkflowNews["type"]): boolean;
  /** Whether webhook endpoints may have to be told of a change. */
  announces(): boolean;
  /** Calls the author's class; what that throws is logged. */
  tellAuthor(news: WorkflowNews): Promise<void>;
  /** Sends a message to the author's clients. */
  broadcast(message: unknown): void;
  /** Tells the one that copies the steps of an instance that its run has begun. */
  wakePump(instanceId: string): void;
  /** Resolves when it is certain that the agent wakes within this time, in milliseconds; soon unless it is given. */
  ensureAlarm(within?: number): Promise<void>;
  background(work: Promise<unknown>): void;
}

/** How soon the engine is asked about a run that says that it has ended. */
const SOONEST_MS = 1_000;

/** Takes what the workflows of one agent say: into its records, and to the author. */
export class Hearing {
  readonly #records: Records;
  readonly #inspection: Inspection;
  readonly #adoption: Adoption;
  readonly #calls: AuthorCalls;
  readonly #host: HearingHost;

  constructor(
    records: Records,
    { inspection, adoption }: { readonly inspection: Inspection; readonly adoption: Adoption },
    host: HearingHost,
  ) {
    this.#records = records;
    this.#inspection = inspection;
    this.#adoption = adoption;
    this.#calls = new AuthorCalls(records.callbacks, (news) => host.tellAuthor(news));
    this.#host = host;
  }

  /** Takes the report of a workflow of the gateway's own class. */
  async report(engineId: string, report: Report): Promise<unknown> {
    if (!this.#records.store.exists()) throw new ProblemError("agent_not_found");
    await this.#expectNews();
    const found = this.findByEngineId(engineId);
    if (found === undefined) throw new ProblemError("instance_not_found");
    // What it did before it could tell is in the engine's history alone; from now on it tells itself.
    const isAdopted = found.voice === "adopted";
    const isHeard = !isAdopted || (await this.#inspection.check(found));
    const { answer, tellAuthor } = this.#records.change((now) => {
      const row = isAdopted ? this.#records.ledger.findByEngineId(engineId) : found;
      if (row === undefined) throw new ProblemError("instance_not_found");
      const instance = isHeard ? heard(this.#records, row, now) : row;
      const { answer: given, callback } = receive(this.#records, instance, report, now);
      return { answer: given, tellAuthor: callback && this.#toAuthor(row, callback, now) };
    });
    if (report.type === "started") this.#host.wakePump(found.id);
    await tellAuthor?.();
    return answer;
  }

  /** Takes what a run of the SDK's own class tells. @returns false if the ledger has no such instance. */
  async hear(callback: WorkflowCallback): Promise<boolean> {
    if (!this.#records.store.exists()) return false;
    await this.#expectNews();
    const found = this.findByEngineId(callback.workflowId);
    if (found === undefined) return false;
    const { told, tellAuthor } = this.#records.change((now) => {
      const news = hear(this.#records, found, callback, now);
      return { told: news, tellAuthor: news && this.#toAuthor(found, news, now) };
    });
    if (told?.type === "complete" || told?.type === "error")
      this.#host.background(this.#host.ensureAlarm(SOONEST_MS));
    await tellAuthor?.();
    return true;
  }

  /** Tells the author what was not told before this process began. */
  catchUp(): void {
    if (this.#records.callbacks.any()) this.#host.background(this.#calls.deliverAll());
  }

  /** An instance by the id that the engine knows it by. */
  findByEngineId(engineId: string): InstanceRow | undefined {
    this.#adoption.takeNamed({ id: engineId });
    return this.#records.ledger.findByEngineId(engineId);
  }

  /** Before any report, so that none overtakes another. */
  async #expectNews(): Promise<void> {
    if (this.#host.hears() || this.#host.announces()) await this.#host.ensureAlarm();
  }

  /** Sees to it that the author hears of something. Inside a change. @returns what is to be done after it. */
  #toAuthor({ id, binding }: InstanceRow, callback: Told, now: number): () => Promise<void> {
    if (callback.type === "broadcast") return async () => this.#host.broadcast(callback.message);
    const news: WorkflowNews = { ...callback, workflowName: binding, workflowId: id, timestamp: now };
    // The SDK's own callbacks only log.
    if (!this.#host.hears(callback.type)) return () => this.#host.tellAuthor(news);
    const kept = this.#records.callbacks.keep(news);
    return () => this.#calls.deliver(kept);
  }
}

/** From now on the run tells itself where it waits. The first that it ever says is put down with that. Inside a change. */
function heard(records: Records, row: InstanceRow, now: number): InstanceRow {
  if (row.voice === "gateway" || isTerminal(row.status)) return row;
  return row.started_at === null
    ? { ...row, voice: "gateway" }
    : records.ledger.change(row, { voice: "gateway" }, now);
}
