// oxlint-disable-next-line typescript/triple-slash-reference -- the types of the platform are global: there is nothing to import
/// <reference path="../../worker-configuration.d.ts" />
import { createParser } from "eventsource-parser";
import type { EventType, GatewayEvent } from "../../src/gateway/contract/event.ts";
import type { EventsAnswer } from "../../src/gateway/port.ts";

export const EPOCH = "0a1b2c3d";

/** The n-th event of a journal; its cursor ends with n. */
export function eventAt(
  n: number,
  type: EventType = "instance.progress",
  data: unknown = { progress: n },
): GatewayEvent {
  return {
    id: `${EPOCH}-${n}`,
    type,
    agent: "/agents/order-desk/acme",
    instanceId: "r-1",
    workflow: "refund",
    attempt: 1,
    time: "2026-04-01T10:00:00.000Z",
    data,
  };
}

/** A stretch of a journal that begins after the cursor `after`. */
export function stretch(
  after: number,
  events: readonly GatewayEvent[],
  changes: Partial<EventsAnswer> = {},
): EventsAnswer {
  const from = `${EPOCH}-${after}`;
  return {
    events,
    from,
    cursor: events.at(-1)?.id ?? from,
    more: false,
    ended: false,
    gap: false,
    tailKey: "tail-key",
    ...changes,
  };
}

/** As much of the Worker's end of a WebSocket as a tail needs. What comes before it is accepted waits, as on the platform. */
export class StandInSocket extends EventTarget {
  readonly closings: (number | undefined)[] = [];
  accepted = false;
  #early: Event[] = [];

  accept(): void {
    this.accepted = true;
    for (const event of this.#early.splice(0)) this.dispatchEvent(event);
  }

  close(code?: number): void {
    this.closings.push(code);
  }

  /** The agent sends an event, or any other text. */
  tell(...frames: (GatewayEvent | string)[]): void {
    for (const frame of frames) {
      this.#arrive(
        new MessageEvent("message", { data: typeof frame === "string" ? frame : JSON.stringify(frame) }),
      );
    }
  }

  /** The platform closes or breaks the socket. */
  cut(how: "close" | "error" = "close"): void {
    this.#arrive(new Event(how));
  }

  /** The agent closes the socket, since it has as many as it may. */
  refuse(): void {
    this.#arrive(Object.assign(new Event("close"), { code: 1013 }));
  }

  asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }

  #arrive(event: Event): void {
    if (this.accepted) this.dispatchEvent(event);
    else this.#early.push(event);
  }
}

/** One frame as a client parses it. */
export interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: unknown;
}

/** Parses the text of a stream, given in any pieces. */
export function parseFrames(pieces: Iterable<string>): Frame[] {
  const frames: Frame[] = [];
  const feed = parserInto(frames);
  for (const piece of pieces) feed(piece);
  return frames;
}

function parserInto(frames: Frame[]): (piece: string) => void {
  const parser = createParser({
    onEvent: ({ id, event, data }) => frames.push({ id, event, data: JSON.parse(data) as unknown }),
    onError: (failure) => {
      throw failure;
    },
  });
  return (piece) => parser.feed(piece);
}

/** A client that reads whatever comes, and takes frames from that one by one. */
export class Client {
  /** Everything that was sent so far. */
  text = "";
  /** Whether the server has closed the stream. */
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #frames: Frame[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    void this.#readAll();
  }

  /** The next frame; undefined if the server has closed the stream. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.ended) return undefined;
      await this.#changed.promise;
    }
  }

  /** The next frames, as the last word of the type and of the cursor: `progress 3`. */
  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    while (taken.length < count) taken.push(inShort(await this.next()));
    return taken;
  }

  /** All frames until the server closes the stream. */
  async rest(): Promise<string[]> {
    const taken: string[] = [];
    for (let frame = await this.next(); frame !== undefined; frame = await this.next())
      taken.push(inShort(frame));
    return taken;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    const feed = parserInto(this.#frames);
    for (
      let { done, value } = await this.#reader.read();
      !done;
      { done, value } = await this.#reader.read()
    ) {
      const piece = decoder.decode(value, { stream: true });
      this.text += piece;
      feed(piece);
      this.#tell();
    }
    this.ended = true;
    this.#tell();
  }

  #tell(): void {
    const told = this.#changed;
    this.#changed = Promise.withResolvers();
    told.resolve();
  }
}

/** A client that reads only when it is told to. */
export class SlowClient {
  /** Whether the server has closed the stream, as far as was read. */
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #frames: Frame[] = [];
  readonly #feed = parserInto(this.#frames);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Reads once. @returns the frames that are whole by then, in short. */
  async read(): Promise<string[]> {
    const { done, value } = await this.#reader.read();
    this.ended = done;
    this.#feed(this.#decoder.decode(value, { stream: true }));
    return this.#frames.splice(0).map(inShort);
  }

  /** Reads until a frame has come, and no further. */
  async until(frame: string): Promise<string[]> {
    const read: string[] = [];
    while (!read.includes(frame) && !this.ended) read.push(...(await this.read()));
    return read;
  }

  /** Reads to the end. */
  async rest(): Promise<string[]> {
    const read: string[] = [];
    while (!this.ended) read.push(...(await this.read()));
    return read;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

function inShort(frame: Frame | undefined): string {
  if (frame === undefined) throw new Error("the stream has ended before");
  return `${frame.event?.replace(/^(?:instance|stream)\./, "")} ${frame.id?.slice(EPOCH.length + 1)}`;
}
