import { createParser } from "eventsource-parser";

/** One event of a stream, as an `EventSource` would dispatch it. */
export interface StreamMessage {
  /** The last id that the stream has set; the empty string if there is none. */
  readonly id: string;
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
}

/**
 * Reads an event stream (WHATWG) from its bytes, however they are cut.
 *
 * @param id the last id that was received before, which holds until the stream sets another.
 */
export class EventStreamReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  readonly #parser = createParser({
    onId: (id) => {
      this.#id = id;
    },
    onEvent: ({ event = "message", data }) => {
      this.#messages.push({ id: this.#id, type: event, data });
    },
    onRetry: (milliseconds) => {
      this.#retryMs = milliseconds;
    },
  });
  #messages: StreamMessage[] = [];
  #id: string;
  #retryMs: number | undefined;

  constructor(id = "") {
    this.#id = id;
  }

  /** Milliseconds after which the stream wants to be opened again; undefined if it did not say. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /** @returns the events that these bytes complete. An event whose end never comes is none. */
  feed(bytes: Uint8Array): readonly StreamMessage[] {
    this.#messages = [];
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    return this.#messages;
  }
}
