import { isTerminal } from "../contract/instance";
import type { AgentStep } from "../contract/names";
import { reconcile, showPaused } from "./controls";
import type { Dissolved } from "./departures";
import { type Engine, isEngineTerminal } from "./engine";
import type { Identity } from "./reports";
import type { InstanceRow } from "./ledger";
import { type Addressee, type Due, type Message, MOST_FAILURES, MOST_FAILURES_OF_START } from "./outbox";
import type { Records } from "./records";
import { Rounds, type RoundsHost } from "./rounds";

/** A message that failed this often in a row, over some four days, is given up, whatever the engine is in. */
const LAST_FAILURE = 100;
const AT_ONCE: Readonly<Record<Addressee, number>> = { engine: 8, children: 20 };

/** What an instance is created with beside its params, and what it is called: the SDK's own keys, and ours among them. */
export type Origin = (binding: string, identity: Identity) => Record<string, unknown>;

/** What the courier leaves to the agent that it works for. */
export interface CourierHost {
  /** Has what the engine is told wait while starts come in that are to be accepted first. */
  readonly burst: Pick<RoundsHost<Due>, "quiet" | "settled">;
  /** Hears that an instance could not be created for good. */
  failed(instanceId: string, failure: unknown): void;
  /** Reads what the engine is about to forget of an attempt. */
  finishAttempt(instanceId: string): Promise<void>;
  /** Goes on with the end of a sub-agent. */
  dissolve(child: AgentStep): Promise<Dissolved>;
}

/** Takes messages from the outbox to the engine, and to sub-agents that end. */
export class Courier {
  readonly #records: Records;
  readonly #engine: Engine;
  readonly #origin: Origin;
  readonly #host: CourierHost;
  readonly #toEngine: Rounds<Due>;
  /** Beside what the engine is told, which does not wait for it. */
  readonly #toChildren: Rounds<Due>;

  constructor(records: Records, engine: Engine, origin: Origin, host: CourierHost) {
    this.#records = records;
    this.#engine = engine;
    this.#origin = origin;
    this.#host = host;
    this.#toEngine = this.#roundsOf("engine");
    this.#toChildren = this.#roundsOf("children");
  }

  /** Sends everything that is due now or in a moment; resolves when nothing is. Never rejects. */
  async deliver(): Promise<void> {
    await Promise.all([this.#toEngine.run(), this.#toChildren.run()]);
  }

  /** The same without sub-agents that end, which may take long. */
  tellEngine(): Promise<void> {
    return this.#toEngine.run();
  }

  #roundsOf(addressee: Addressee): Rounds<Due> {
    const { outbox } = this.#records;
    return new Rounds({
      ...(addressee === "engine" ? this.#host.burst : {}),
      due: (now) => outbox.due(now, AT_ONCE[addressee], addressee),
      nextDueAt: () => outbox.nextDueAt(addressee),
      handle: (message) => this.#deliverOne(message),
    });
  }

  async #deliverOne(message: Due): Promise<void> {
    const instance = this.#records.ledger.find(message.instanceId);
    if (isPointless(message, instance)) return this.#records.outbox.remove(message);
    try {
      const { outbox } = this.#records;
      switch (await this.#send(instance, message)) {
        case "done":
          return outbox.remove(message);
        case "more":
          return outbox.goOn(message, Date.now());
        case "waits":
          return outbox.putOff(message, Date.now());
      }
    } catch (failure) {
      console.warn(`switchyard: telling the engine failed (${message.kind}), will be tried again`, failure);
      this.#records.outbox.fail(message, Date.now());
      if (isFinal(message, failure)) await this.#giveUp(message, instance, failure);
    }
  }

  /** A message has failed too often to try it as before. Never rejects. */
  async #giveUp(message: Due, instance: InstanceRow | undefined, failure: unknown): Promise<void> {
    const isLast = message.failures + 1 >= LAST_FAILURE;
    switch (message.kind) {
      case "create":
      case "restart":
        this.#records.outbox.remove(message);
        if (isCurrent(message, this.#records.ledger.find(message.instanceId)))
          this.#host.failed(message.instanceId, failure);
        return;
      case "terminate":
      case "delete":
        // It fails only as long as there is something left to end; nothing waits behind it.
        if (isLast) this.#drop(message, failure);
        return;
      case "dissolve":
        // What goes on below is not over as long as the child is there.
        return;
      default:
        try {
          if (instance !== undefined) await this.#follow(instance);
        } catch {
          // The engine cannot be asked either: nothing is known, and an outage may pass.
          if (!isLast) return;
        }
        // An engine that answers has refused this for good; what comes after it may be taken.
        this.#drop(message, failure);
        if (message.kind === "pause") this.#callOffPause(message.instanceId);
    }
  }

  #drop(message: Due, failure: unknown): void {
    console.error(`switchyard: the engine is not told any more (${message.kind})`, failure);
    this.#records.outbox.remove(message);
  }

  #callOffPause(id: string): void {
    this.#update(id, (row, now) => {
      if (row.intent === "pause") this.#records.ledger.change(row, { intent: null }, now);
    });
  }

  /** Makes the ledger say what the engine says, unless a restart is under way, before which that means nothing. */
  async #follow({ id, binding, engine_id: engineId }: InstanceRow): Promise<void> {
    const view = await this.#engine.view(binding, engineId);
    this.#update(id, (row, now) => {
      if (!isTerminal(row.status) && row.intent !== "restart") reconcile(this.#records, row, view, now);
    });
  }

  async #send(instance: InstanceRow | undefined, message: Due): Promise<Dissolved> {
    if (message.kind === "dissolve") return this.#host.dissolve(message.payload);
    return (await this.#sendToEngine(instance, message)) ? "done" : "waits";
  }

  /** @returns whether the engine has taken it; otherwise it is asked again later. */
  async #sendToEngine(
    instance: InstanceRow | undefined,
    message: Exclude<Due, { kind: "dissolve" }>,
  ): Promise<boolean> {
    if (message.kind === "delete") return this.#delete(message);
    if (instance === undefined) return true;
    const { binding, engine_id: engineId } = instance;
    switch (message.kind) {
      case "create":
        await this.#create(instance, message.payload.params);
        return true;
      case "event":
        if (!(await this.#engine.sendEvent(binding, engineId, message.payload))) await this.#follow(instance);
        return true;
      case "pause":
        return this.#pause(instance);
      case "resume":
        if (!(await this.#engine.resume(binding, engineId))) await this.#follow(instance);
        return true;
      case "terminate":
        await this.#engine.terminate(binding, engineId, message.payload.rollback);
        return true;
      case "restart":
        return this.#restart(instance, message.payload);
    }
  }

  async #create(instance: InstanceRow, params: Record<string, unknown>): Promise<void> {
    const { id, workflow, binding, engine_id: engineId } = instance;
    await this.#engine.create(binding, engineId, {
      ...params,
      ...this.#origin(binding, { id, workflow }),
    });
    // Deleted in the meantime: then what was just made must go too.
    if (this.#records.ledger.findByEngineId(engineId) !== undefined) return;
    this.#records.change((now) =>
      this.#records.outbox.add({ kind: "delete", instanceId: engineId, payload: { binding, engineId } }, now),
    );
  }

  /** The engine may have forgotten an instance that ended long ago: then it is created again. */
  async #restart(
    instance: InstanceRow,
    { from, attempt }: Extract<Message, { kind: "restart" }>["payload"],
  ): Promise<boolean> {
    const { id, binding, engine_id: engineId, params } = instance;
    await this.#host.finishAttempt(id);
    if (!(await this.#engine.restart(binding, engineId, from))) {
      const known = JSON.parse(params) as Record<string, unknown> | null;
      if (known === null) throw new UnknownParamsError();
      await this.#create(instance, known);
    }
    this.#update(id, (row, now) => {
      // Another restart may have been asked for since: until that is taken, nothing that is said counts.
      if (row.intent !== "restart" || row.attempt !== attempt) return;
      const intent = this.#records.outbox.has(id, "pause") ? "pause" : null;
      this.#records.ledger.change(row, { intent }, now);
    });
    return true;
  }

  /** A pause is taken when the engine is there: a step that runs is let finish first. */
  async #pause({ id, binding, engine_id: engineId }: InstanceRow): Promise<boolean> {
    const view = await this.#engine.pause(binding, engineId);
    let reached = false;
    this.#update(id, (row, now) => {
      reached = row.intent !== "pause" || view?.status === "paused";
      if (row.intent !== "pause" || isTerminal(row.status)) return;
      if (view === undefined || isEngineTerminal(view.status))
        reached = reconcile(this.#records, row, view, now);
      else if (view.status === "paused") showPaused(this.#records, row, now);
    });
    return reached;
  }

  async #delete({ payload: { binding, engineId } }: Extract<Due, { kind: "delete" }>): Promise<boolean> {
    await this.#engine.terminate(binding, engineId, false);
    await this.#engine.delete(binding, engineId);
    return true;
  }

  #update(id: string, work: (row: InstanceRow, now: number) => void): void {
    this.#records.change((now) => {
      const row = this.#records.ledger.find(id);
      if (row !== undefined) work(row, now);
    });
  }
}

/** An instance of before the gateway was forgotten by the engine, which alone knew what it was created with. */
class UnknownParamsError extends Error {
  override readonly name = "UnknownParamsError";
}

/** Whether a message is about the attempt that the instance is at. */
function isCurrent(message: Due, instance: InstanceRow | undefined): boolean {
  return message.kind !== "restart" || message.payload.attempt === instance?.attempt;
}

/** Whether a message is for an instance that has ended, and would wait for nothing. */
function isPointless({ kind }: Due, instance: InstanceRow | undefined): boolean {
  if (instance === undefined) return false;
  return isTerminal(instance.status) && (kind === "event" || kind === "pause" || kind === "resume");
}

/** Whether a message has failed too often, or it is certain that it always will. */
function isFinal({ kind, failures }: Due, failure: unknown): boolean {
  const refused =
    failure instanceof UnknownParamsError ||
    (kind === "restart" && failure instanceof Error && failure.message.includes("instance.cannot_restart"));
  return refused || failures + 1 >= (kind === "create" ? MOST_FAILURES_OF_START : MOST_FAILURES);
}
