import { isTerminal } from "../contract/instance";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { settleEnd } from "./adopted-ends";
import { reconcile } from "./controls";
import { type Engine, type EngineView, isEngineTerminal } from "./engine";
import type { EngineHistory } from "./engine-history";
import { recordHistory } from "./history";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";

/** Readers of one instance share one look at the engine in half a minute … */
const STALE_MS = 30_000;
/** … or in three seconds, if its run does not tell where it waits. */
const STALE_UNHEARD_MS = 3_000;
const AT_ONCE = 10;

/** What the engine says of an instance; its history only where the run itself tells nothing. */
interface Look {
  readonly view: EngineView | undefined;
  readonly history: EngineHistory | undefined;
}

/** Asks the engine whether the ledger is still true. */
export class Inspection {
  readonly #records: Records;
  readonly #engine: Engine;
  readonly #workflows: readonly WorkflowDefinition[];
  /** Looks that are under way, by the id of the instance: who asks meanwhile shares them. */
  readonly #looks = new Map<string, Promise<boolean>>();

  constructor(records: Records, engine: Engine, workflows: readonly WorkflowDefinition[]) {
    this.#records = records;
    this.#engine = engine;
    this.#workflows = workflows;
  }

  /** Asks about an instance of which nothing was heard for a while, and nobody asked. @returns whether it did. */
  async checkIfStale(instance: InstanceRow): Promise<boolean> {
    if (instance.check_at === null) return false;
    const lastLook = instance.check_at - instance.check_after;
    const stale = instance.voice === "gateway" ? STALE_MS : STALE_UNHEARD_MS;
    if (Date.now() - lastLook < stale) return false;
    await this.check(instance);
    return true;
  }

  /** Asks about an instance whose run does not tell where it waits. */
  async checkIfUnheard(instance: InstanceRow): Promise<void> {
    if (instance.check_at !== null && instance.voice !== "gateway") await this.check(instance);
  }

  /** Asks about all of them, some at a time. */
  async checkAll(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const instances = ids.slice(from, from + AT_ONCE).flatMap((id) => this.#records.ledger.find(id) ?? []);
      await Promise.all(instances.map((instance) => this.check(instance)));
    }
  }

  /** Asks now. @returns whether all that could be asked was answered. */
  check(instance: InstanceRow): Promise<boolean> {
    const { id } = instance;
    const look = this.#looks.get(id) ?? this.#check(instance).finally(() => this.#looks.delete(id));
    this.#looks.set(id, look);
    return look;
  }

  async #check(instance: InstanceRow): Promise<boolean> {
    const records = this.#records;
    try {
      const look = await this.#look(instance);
      records.change((now) => {
        const row = records.ledger.find(instance.id);
        if (row !== undefined) this.#take(row, instance, look, now);
      });
      return instance.voice === "gateway" || look.history !== undefined || !isOpen(look.view);
    } catch (failure) {
      console.warn("switchyard: the engine could not be asked about an instance", failure);
      records.change((now) => records.ledger.checked(instance, now));
      return false;
    }
  }

  async #look({ binding, engine_id: engineId, voice }: InstanceRow): Promise<Look> {
    const view = await this.#engine.view(binding, engineId);
    const history =
      voice === "gateway" || !isOpen(view) ? undefined : await this.#engine.history(binding, engineId);
    return { view, history };
  }

  /** What is under way, in the outbox, is left to come about. @param before the instance when the engine was asked. */
  #take(row: InstanceRow, before: InstanceRow, { view, history }: Look, now: number): void {
    const records = this.#records;
    if (isTerminal(row.status)) {
      if (row.check_at !== null) settleEnd(records, row, view, now);
      return;
    }
    const underWay =
      row.intent !== null || row.updated_at !== before.updated_at || records.outbox.hasAny(row.id);
    const isNews = !underWay && reconcile(records, row, view, now);
    const current = records.ledger.find(row.id);
    if (history !== undefined && current?.attempt === before.attempt && current.intent !== "restart") {
      records.ledger.rememberParams(current, history.params);
      const workflow = this.#workflows.find(({ name }) => name === current.workflow);
      recordHistory(records, current, history, workflow, now);
    }
    if (!isNews) records.ledger.checked(row, now);
  }
}

/** Whether the engine has an instance that goes on. */
function isOpen(view: EngineView | undefined): boolean {
  return view !== undefined && !isEngineTerminal(view.status);
}
