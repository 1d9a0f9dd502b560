import type { DisabledReason } from "../contract/webhook";
import type { Store } from "../durable/store";

/** What an endpoint's own object knows of it. The directory decides, and hands it over. */
export interface TargetConfig {
  readonly id: string;
  readonly url: string;
  /** Grows with each change: an older one that comes late is passed over. */
  readonly version: number;
  readonly enabled: boolean;
  /** Grows each time that it is enabled or disabled. */
  readonly turn: number;
}

/** That an endpoint was disabled because of what it answered. */
export interface Disabling {
  readonly reason: DisabledReason;
  /** Milliseconds. */
  readonly at: number;
  /** The turn that it ended. */
  readonly turn: number;
}

const DAY_MS = 86_400_000;
/** Who is not reached for so long is sent nothing any more. */
const FAILING_MS = 5 * DAY_MS;
/** Where nothing was tried for so long, which is longer than any pause of the schedule, the failures before do not count. */
const QUIET_MS = 2 * DAY_MS;

/** Attempts that failed, with none between that did not. In milliseconds. */
interface Failing {
  readonly since: number;
  readonly last: number;
}

/** Where the messages of one endpoint go, and whether they go at all. */
export class Target {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Undefined of an endpoint that was never made, or is gone. */
  config(): TargetConfig | undefined {
    return this.#store.exists() ? this.#read<TargetConfig>("target") : undefined;
  }

  /** Takes what the directory says. Inside a change. */
  configure(config: TargetConfig): void {
    const known = this.config();
    if (known !== undefined && known.version >= config.version) return;
    this.#write("target", config);
    if (known?.turn === config.turn) return;
    for (const key of ["disabling", "untold", "failing"]) this.#write(key, null);
  }

  /** Notes that the endpoint is gone. Inside a change. */
  close(): void {
    this.#write("target", null);
  }

  /** Whether messages are sent. */
  isOpen(): boolean {
    const config = this.config();
    return config?.enabled === true && this.#read<Disabling>("disabling")?.turn !== config.turn;
  }

  /** Notes that a message got there. Inside a change. */
  reached(): void {
    if (this.#read("failing") !== undefined) this.#write("failing", null);
  }

  /** Notes that one did not, which may disable the endpoint. Inside a change. @param isGone whether it answered so. */
  missed(now: number, isGone: boolean): void {
    const failing = this.#read<Failing>("failing");
    const since = failing !== undefined && now - failing.last <= QUIET_MS ? failing.since : now;
    this.#write("failing", { since, last: now } satisfies Failing);
    const config = this.config();
    if (config === undefined || !this.isOpen()) return;
    if (!isGone && now - since < FAILING_MS) return;
    const disabling: Disabling = { reason: isGone ? "gone" : "failing", at: now, turn: config.turn };
    this.#write("disabling", disabling);
    this.#write("untold", disabling);
  }

  /** What the directory is still to be told. */
  untold(): Disabling | undefined {
    return this.#read<Disabling>("untold");
  }

  /** Notes that it was told. */
  told({ turn }: Disabling): void {
    if (this.untold()?.turn === turn) this.#write("untold", null);
  }

  #read<Value>(key: string): Value | undefined {
    return (JSON.parse(this.#store.findMeta(key) ?? "null") as Value | null) ?? undefined;
  }

  #write(key: string, value: unknown): void {
    this.#store.setMeta(key, JSON.stringify(value));
  }
}
