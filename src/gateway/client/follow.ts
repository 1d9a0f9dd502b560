import { StreamFailed, UnexpectedAnswer } from "./errors";
import { EventStreamReader, type StreamMessage } from "./event-stream";
import { delayAfter } from "./patience";
import { retryAfter, type Transport } from "./transport";
import type { Query } from "./address";

/** How a stream is followed. */
export interface FollowOptions {
  /** Cursor to go on after: the `id` of an event. */
  readonly after?: string | undefined;
  /** Ends it; the iterator throws the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** How often the gateway sends something, in milliseconds: a stream that is silent for two and a half times that is opened anew. 15,000 unless given. */
  readonly heartbeatMs?: number | undefined;
  /** How often in a row it may fail before it gives up; 10 unless given. */
  readonly failures?: number | undefined;
}

/** What a frame of a stream is at least. */
interface Frame {
  readonly type: string;
}

const HEARTBEAT_MS = 15_000;
const STALLED_AFTER_HEARTBEATS = 2.5;
const MOST_FAILURES = 10;
const FIRST_RETRY_MS = 1_000;

/** How one connection ended. */
type Ending = "ended" | "closing" | "cut";

/**
 * Follows an event stream to its end, over as many connections as that takes: each goes on after what was received, so that
 * every event comes once. It is opened anew when it is cut, falls silent, or says `stream.closing`; `stream.gap` is given, and
 * `stream.caught-up` the first time. What cannot succeed is not tried again.
 *
 * @throws GatewayProblem if the gateway refuses for good; StreamFailed if it failed too often in a row.
 */
export async function* follow(
  transport: Transport,
  path: string,
  query: Query,
  options: FollowOptions,
): AsyncGenerator<Frame, void> {
  const { signal, heartbeatMs = HEARTBEAT_MS, failures: most = MOST_FAILURES } = options;
  const { machine } = transport;
  let after = options.after ?? "";
  let retryMs = FIRST_RETRY_MS;
  let caughtUp = false;
  let failures = 0;

  for (;;) {
    signal?.throwIfAborted();
    const since = machine.now();
    const watch = new Watch(heartbeatMs * STALLED_AFTER_HEARTBEATS, signal);
    let ending: Ending = "cut";
    let brought = false;
    let told = false;
    let failure: unknown;
    let notBefore = 0;
    try {
      const body = await watch.over(
        transport.open({
          method: "GET",
          path,
          // A place to begin at is only for who has none yet.
          query: after === "" ? query : { ...query, from: undefined },
          signal: watch.signal,
          ...(after === "" ? {} : { headers: { "last-event-id": after } }),
        }),
      );
      if (body === undefined) return;
      const reader = new EventStreamReader(after);
      for await (const bytes of chunksOf(body, watch)) {
        for (const message of reader.feed(bytes)) {
          const frame = frameOf(message);
          after = message.id;
          if (frame.type === "stream.end") return;
          if (frame.type === "stream.closing") {
            ending = "closing";
            break;
          }
          if (frame.type === "stream.caught-up") {
            told = true;
            if (caughtUp) continue;
            caughtUp = true;
          } else brought = true;
          yield frame;
        }
        retryMs = reader.retryMs ?? retryMs;
        if (ending === "closing") break;
      }
    } catch (cause) {
      signal?.throwIfAborted();
      failure = watch.stalled ?? cause;
      const asked = retryAfter(failure);
      if (asked === undefined) throw failure;
      notBefore = asked;
    } finally {
      watch.end();
    }
    // A connection that brought something, or lived, was a good one.
    const good = brought || (ending === "closing" && told) || machine.now() - since > heartbeatMs;
    failures = good ? 0 : failures + 1;
    if (failures > most) throw new StreamFailed(failures, after === "" ? undefined : after, failure);
    const delay = failures === 0 ? machine.random() * retryMs : delayAfter(failures, machine, notBefore);
    await machine.pause(delay, signal);
  }
}

/** Sees to it that a connection does not fall silent, and ends it with the caller's signal. */
class Watch {
  readonly #controller = new AbortController();
  readonly #silenceMs: number;
  readonly #caller: AbortSignal | undefined;
  readonly #leave = (): void => this.#controller.abort(this.#caller?.reason);
  /** Why it was ended, if it fell silent. */
  stalled: UnexpectedAnswer | undefined;

  constructor(silenceMs: number, caller: AbortSignal | undefined) {
    this.#silenceMs = silenceMs;
    this.#caller = caller;
    caller?.addEventListener("abort", this.#leave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for something of the connection, as long as it may be silent. */
  async over<Value>(waited: Promise<Value>): Promise<Value> {
    const { signal } = this;
    const timer = setTimeout(() => {
      this.stalled = new UnexpectedAnswer(`The stream was silent for ${this.#silenceMs} milliseconds.`, 200);
      this.#controller.abort(this.stalled);
    }, this.#silenceMs);
    let leave = ignore;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal.reason);
      signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([waited, left]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    }
  }

  /** Lets go of the connection. */
  end(): void {
    this.#caller?.removeEventListener("abort", this.#leave);
    this.#controller.abort();
  }
}

/** The pieces of a body as they come. It is cancelled when nobody wants more of it. */
async function* chunksOf(body: ReadableStream<Uint8Array>, watch: Watch): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await watch.over(reader.read());
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw new UnexpectedAnswer("The stream broke off.", 200, undefined, { cause });
  } finally {
    // Not waited for: what hangs may hang here too.
    reader.cancel().catch(ignore);
  }
}

function frameOf({ data }: StreamMessage): Frame {
  try {
    return JSON.parse(data) as Frame;
  } catch (cause) {
    throw new UnexpectedAnswer("A frame of the stream is not JSON.", 200, undefined, { cause });
  }
}

function ignore(): void {}
