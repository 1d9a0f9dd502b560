import { Name } from "../contract/names";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import type { Records } from "./records";
import { type SdkInstance, SdkInstances } from "./sdk-instances";

const AT_ONCE = 500;

/**
 * Takes instances that were started before their Agent had a gateway out of the SDK's own table and into the ledger. It
 * takes those of workflows that are declared; the others stay with the SDK.
 */
export class Adoption {
  readonly #records: Records;
  readonly #sdk: SdkInstances;
  readonly #byBinding: ReadonlyMap<string, WorkflowDefinition>;
  #isDue: boolean | undefined;

  constructor(records: Records, workflows: readonly WorkflowDefinition[]) {
    this.#records = records;
    this.#sdk = new SdkInstances(records.store);
    this.#byBinding = new Map(
      workflows.flatMap((workflow) =>
        [workflow.binding, ...workflow.formerBindings].map((binding) => [binding, workflow] as const),
      ),
    );
  }

  /** Whether the SDK started any instance of this agent, of whatever workflow. */
  isAny(): boolean {
    return this.#sdk.isAny();
  }

  /** Whether there are any to take in. It costs nothing once there are none: only a {@link rename} adds to them. */
  isDue(): boolean {
    this.#isDue ??= despiteSdk(() => this.#select(1).length > 0);
    return this.#isDue;
  }

  /** Takes the oldest in, as many as are taken at once. @returns whether there were any. */
  takeBatch(): boolean {
    if (!this.isDue()) return false;
    this.#isDue = despiteSdk(() => this.#take(this.#select(AT_ONCE)) === AT_ONCE);
    return true;
  }

  /** Takes those in, ahead of their turn, that a call names by their ids. */
  takeNamed(input: unknown): void {
    if (!this.isDue()) return;
    for (const id of idsIn(input)) this.#take(this.#select(1, id));
  }

  /** Gives the instances of a binding that was renamed its present name, in the SDK's table. @returns how many there are. */
  rename(from: string, to: string): number {
    const renamed = this.#sdk.rename(from, to);
    this.#isDue = undefined;
    return renamed;
  }

  #select(limit: number, engineId?: string): SdkInstance[] {
    return this.#sdk.of([...this.#byBinding.keys()], limit, engineId);
  }

  #take(instances: readonly SdkInstance[]): number {
    this.#records.change((now) => {
      for (const instance of instances) this.#adopt(instance, now);
    });
    return instances.length;
  }

  /** The ledger has it, or the SDK's table, and never both. How it ended is certain only once the engine was asked. */
  #adopt(instance: SdkInstance, now: number): void {
    const { ledger, journal } = this.#records;
    const workflow = this.#byBinding.get(instance.binding);
    if (workflow === undefined) return;
    // An id that the engine had forgotten was used again, by a version without the gateway.
    const forgotten = ledger.findByEngineId(instance.engineId);
    if (forgotten !== undefined) this.#records.forget(forgotten);

    const { name, binding } = workflow;
    const { engineId, metadata, status, error, createdAt, updatedAt, completedAt } = instance;
    const id = this.#idFor(engineId);
    ledger.insert({ id, engineId, workflow: name, binding, params: null, metadata, now: createdAt });
    const inserted = ledger.find(id);
    if (inserted === undefined) throw new Error("the instance that was just adopted is not there");
    const known = { voice: "adopted", status, completedAt, ...(error === null ? {} : { error }) } as const;
    const adopted = ledger.change(inserted, known, updatedAt);
    ledger.checkAt(adopted, now);
    this.#sdk.delete(engineId);

    journal.append(adopted, "instance.queued", { metadata }, createdAt, "queued");
    // The rest is told once the engine has said it.
    if (adopted.status === "paused") journal.append(adopted, "instance.paused", {}, updatedAt);
  }

  /** The SDK's own id, unless it cannot stand in an address, or was given away in the meantime. */
  #idFor(engineId: string): string {
    const isFree = (id: string): boolean =>
      Name.safeParse(id).success && this.#records.ledger.find(id) === undefined;
    return [engineId, `adopted~${engineId}`].find(isFree) ?? crypto.randomUUID();
  }
}

/** The table is the SDK's: whatever it has become, the agent serves what it has. It tries again when it wakes anew. */
function despiteSdk(work: () => boolean): boolean {
  try {
    return work();
  } catch (failure) {
    console.error("switchyard: what was started before the gateway could not be adopted", failure);
    return false;
  }
}

/** The ids of instances that a call names. */
function idsIn(input: unknown): string[] {
  const { id, instanceId, target, items } = (input ?? {}) as Readonly<Record<string, unknown>>;
  const parts = [target, ...(Array.isArray(items) ? (items as unknown[]) : [])];
  return [id, instanceId, ...parts.flatMap((part) => (part === undefined ? [] : idsIn(part)))].filter(
    (one) => typeof one === "string",
  );
}
