import type { EventsAnswer } from "../port";
import { follow, type JournalSource } from "./follow";
import { type Chunk, chunksOf, controlFrame, HEARTBEAT } from "./frame";

const HEARTBEAT_MS = 15_000;
/**
 * Holds the response of one reader, at its own pace. It is the Worker that is kept awake by it, not the agent: that is reached by
 * a socket which hibernates, and when the socket is cut, by its journal.
 *
 * @param maxAgeMs after this time the reader is told to come back.
 */
export function eventStream(
  source: JournalSource,
  first: EventsAnswer,
  maxAgeMs: number,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const { from } = first;
  // Not below: what is made there would hold on to the first stretch for as long as the stream lives.
  const chunks = chunksOf(from, follow(source, first, stop.signal));
  let outlet: Outlet | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start: (sink) => {
        outlet = new Outlet(sink, chunks, stop, from, maxAgeMs);
      },
      pull: () => outlet?.ask(),
      cancel: () => outlet?.free(),
    },
    // Nothing is made before the reader asks for it.
    { highWaterMark: 0 },
  );
}

interface Sink {
  enqueue(chunk: Uint8Array): void;
  close(): void;
}

/** Gives a reader what it asks for, never falls silent, ends in time, and ends for who does not read. */
class Outlet {
  readonly #sink: Sink;
  readonly #chunks: AsyncGenerator<Chunk, void>;
  readonly #stop: AbortController;
  readonly #encoder = new TextEncoder();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #age: ReturnType<typeof setTimeout>;
  /** After what was sent. */
  #cursor: string;
  #asks = false;
  #asked = ignore;
  /** Whether it has asked since the last heartbeat. */
  #reads = true;

  constructor(
    sink: Sink,
    chunks: AsyncGenerator<Chunk, void>,
    stop: AbortController,
    from: string,
    maxAgeMs: number,
  ) {
    this.#sink = sink;
    this.#chunks = chunks;
    this.#stop = stop;
    this.#cursor = from;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#age = setTimeout(() => this.#close(), maxAgeMs);
    this.#feed().catch((failure: unknown) => {
      console.error("switchyard: a stream failed", failure);
      this.#close();
    });
  }

  /** The reader has taken everything and wants more. */
  ask(): void {
    this.#asks = true;
    this.#reads = true;
    this.#asked();
  }

  /** Lets go of everything that the stream holds, whatever it waits for just now. */
  free(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#age);
    this.#stop.abort();
    this.#asked();
    // It may be held at what was not taken: there it does not hear of the signal.
    this.#chunks.return().catch(ignore);
  }

  get #over(): boolean {
    return this.#stop.signal.aborted;
  }

  async #feed(): Promise<void> {
    for (;;) {
      // Asked for before it is fetched, so that nothing is read from the agent faster than it is sent.
      await this.#untilAsked();
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      // A heartbeat may have gone out in the meantime.
      await this.#untilAsked();
      if (this.#over) return;
      this.#cursor = value.cursor;
      this.#send(value.text);
    }
    if (this.#over) return;
    this.free();
    this.#sink.close();
  }

  /** Who waits for something gets a comment; who has taken nothing since the last one does not read. */
  #beat(): void {
    if (this.#asks) this.#send(HEARTBEAT);
    else if (!this.#reads) this.#close();
    this.#reads = false;
  }

  /** Ends it with the word to come back: read or not, nothing is kept for this reader any more. */
  #close(): void {
    if (this.#over) return;
    this.free();
    this.#send(controlFrame({ type: "stream.closing" }, this.#cursor));
    this.#sink.close();
  }

  #send(text: string): void {
    this.#asks = false;
    this.#sink.enqueue(this.#encoder.encode(text));
  }

  async #untilAsked(): Promise<void> {
    if (this.#asks || this.#over) return;
    await new Promise<void>((resume) => {
      this.#asked = resume;
    });
  }
}

function ignore(): void {}
