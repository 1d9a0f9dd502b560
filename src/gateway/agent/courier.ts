import type { Engine } from "./engine";
import { GATEWAY_PARAM, type GatewayParam } from "./reports";
import type { InstanceRow } from "./ledger";
import type { Due } from "./outbox";
import type { Records } from "./records";

/** A start that the engine refused this often, over some minutes, has failed. */
const MOST_CREATE_TRIES = 10;
const AT_ONCE = 8;
/** What is due later than this is left to the alarm. */
const LONGEST_STAY_MS = 5_000;

/** What an instance is created with beside its params: the SDK's own keys, and ours. */
export interface Origin {
  readonly sdk: (binding: string) => Record<string, unknown>;
  readonly gateway: Omit<GatewayParam, "id">;
}

/** Takes messages from the outbox to the engine. */
export class Courier {
  readonly #records: Records;
  readonly #engine: Engine;
  readonly #origin: () => Origin;
  readonly #failed: (instance: InstanceRow, failure: unknown) => void;
  #round: Promise<void> = Promise.resolve();
  #busy = false;

  /** @param failed is called when an instance could not be created for good. */
  constructor(
    records: Records,
    engine: Engine,
    origin: () => Origin,
    failed: (instance: InstanceRow, failure: unknown) => void,
  ) {
    this.#records = records;
    this.#engine = engine;
    this.#origin = origin;
    this.#failed = failed;
  }

  /** Sends everything that is due now or in a moment; resolves when nothing is. Never rejects. Rounds do not overlap. */
  deliver(): Promise<void> {
    if (!this.#busy) this.#round = this.#deliverAll();
    return this.#round;
  }

  /** It is busy until the very moment in which it finds nothing to do: what is added later begins a new round. */
  async #deliverAll(): Promise<void> {
    this.#busy = true;
    try {
      for (;;) {
        const now = Date.now();
        const due = this.#records.outbox.due(now, AT_ONCE);
        if (due.length === 0) {
          const next = this.#records.outbox.nextDueAt();
          if (next === undefined || next - now > LONGEST_STAY_MS) return;
          await new Promise((resume) => setTimeout(resume, next - now + 1));
        }
        await Promise.all(due.map((message) => this.#deliverOne(message)));
      }
    } finally {
      this.#busy = false;
    }
  }

  async #deliverOne(message: Due): Promise<void> {
    const instance = this.#records.ledger.find(message.instanceId);
    if (instance === undefined) {
      this.#records.outbox.remove(message);
      return;
    }
    try {
      await this.#send(instance, message);
      this.#records.outbox.remove(message);
    } catch (failure) {
      console.warn(`switchyard: telling the engine failed (${message.kind}), will be tried again`, failure);
      this.#records.outbox.putOff(message, Date.now());
      if (message.kind === "create" && message.tries + 1 >= MOST_CREATE_TRIES) {
        this.#records.outbox.remove(message);
        this.#failed(instance, failure);
      }
    }
  }

  #send(instance: InstanceRow, message: Due): Promise<void> {
    if (message.kind === "event")
      return this.#engine.sendEvent(instance.binding, instance.engine_id, message.payload);
    const { sdk, gateway } = this.#origin();
    return this.#engine.create(instance.binding, instance.engine_id, {
      ...message.payload.params,
      ...sdk(instance.binding),
      [GATEWAY_PARAM]: { ...gateway, id: instance.id } satisfies GatewayParam,
    });
  }
}
