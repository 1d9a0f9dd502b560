import { Agent, type IncomingHttpHeaders, request as send } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { KEY } from "./systems.ts";

/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Connections stay open, as those of a real client. */
const connections = new Agent({ keepAlive: true, maxSockets: 1_000 });
const HEADERS = { authorization: `Bearer ${KEY}`, accept: "application/json" };

/** Sends a request. @throws Error if it is answered neither by a 2xx nor by "not modified". */
export function ask(
  method: string,
  url: URL,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...HEADERS,
    ...(payload === undefined ? {} : { "content-type": "application/json" }),
    ...more,
  };
  return new Promise((resolve, reject) => {
    const request = send(url, { method, agent: connections, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status = 0 } = response;
        const text = Buffer.concat(chunks).toString();
        if ((status >= 200 && status < 300) || status === 304) {
          resolve({ status, headers: response.headers, text });
        } else reject(new Error(`${method} ${url.href} was answered by ${status}: ${text}`));
      });
    });
    request.on("error", reject);
    request.end(payload);
  });
}

/** Sends a request, and reads the answer as JSON; whoever asks says what it is. */
export async function askJson<Shape>(method: string, url: URL, body?: unknown): Promise<Shape> {
  const { text } = await ask(method, url, body);
  return JSON.parse(text) as Shape;
}

/** What is heard on a stream. */
export interface Heard {
  readonly type: string;
  readonly data: string;
  /** Milliseconds since 1970, with fractions. */
  readonly at: number;
}

/** Milliseconds since 1970, with fractions: what is said and heard on one machine can be compared. */
export const clock = (): number => performance.timeOrigin + performance.now();

/** A reader of a stream, on a connection of its own. */
export class Reader implements Disposable {
  readonly #close: () => void;
  /** Settles once the stream is open. */
  readonly ready: Promise<void>;
  #failure: Error | undefined;
  /** Those that wait for the next. */
  readonly #hearers = new Set<() => void>();
  readonly heard: Heard[] = [];

  private constructor(
    begin: (hear: (type: string, data: string) => void, fail: (failure: Error) => void) => Opened,
  ) {
    const { ready, close } = begin(
      (type, data) => {
        this.heard.push({ type, data, at: clock() });
        this.#wake();
      },
      (failure) => {
        this.#failure = failure;
        this.#wake();
      },
    );
    this.ready = ready;
    this.#close = close;
  }

  /** Reads Server-Sent Events; it is open once the answer begins. */
  static events(url: URL): Reader {
    return new Reader((hear, fail) => {
      const parser = createParser({ onEvent: ({ event = "message", data }) => hear(event, data) });
      const headers = { ...HEADERS, accept: "text/event-stream" };
      const request = send(url, { agent: false, headers });
      const ready = new Promise<void>((resolve, reject) => {
        request.on("error", reject);
        request.on("response", (response) => {
          if (response.statusCode !== 200) return reject(new Error(`${url.href}: ${response.statusCode}`));
          response.setEncoding("utf8");
          response.on("data", (text: string) => parser.feed(text));
          response.on("error", fail);
          resolve();
        });
      });
      request.end();
      return {
        ready,
        close: () =>
          request
            .off("error", fail)
            .on("error", () => {})
            .destroy(),
      };
    });
  }

  /** Reads messages of a WebSocket, whose `type` is in their JSON. */
  static socket(url: URL): Reader {
    return new Reader((hear, fail) => {
      const socket = new WebSocket(url.href.replace(/^http/, "ws"));
      const ready = new Promise<void>((resolve, reject) => {
        socket.addEventListener("open", () => resolve());
        socket.addEventListener("error", () => reject(new Error(`${url.href} cannot be opened`)));
      });
      socket.addEventListener("error", () => fail(new Error(`${url.href} broke off`)));
      socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
        hear((JSON.parse(data) as { type: string }).type, data);
      });
      return { ready, close: () => socket.close() };
    });
  }

  /**
   * The first that is heard of this kind, or was.
   *
   * @param from how many were heard that are passed over.
   * @throws Error if the stream breaks off before.
   */
  async hear(isIt: (heard: Heard) => boolean, from = 0): Promise<Heard> {
    for (let seen = from; ;) {
      for (; seen < this.heard.length; seen += 1) {
        const heard = this.heard[seen];
        if (heard !== undefined && isIt(heard)) return heard;
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#hearers.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#hearers) resolve();
    this.#hearers.clear();
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

interface Opened {
  readonly ready: Promise<void>;
  readonly close: () => void;
}

/** Does something many times, some at a time. @returns milliseconds that each took. */
export async function load(
  times: number,
  atOnce: number,
  act: (n: number) => Promise<unknown>,
): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < times; n = next++) {
      const since = performance.now();
      await act(n);
      took.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: Math.min(times, atOnce) }, work));
  return took;
}

/** Asks until the answer is the right one. */
export async function until<Shape>(
  look: () => Promise<Shape>,
  isIt: (shape: Shape) => boolean,
): Promise<Shape> {
  for (;;) {
    const shape = await look();
    if (isIt(shape)) return shape;
    await delay(10);
  }
}

/** The middle of what was measured. */
export function median(numbers: readonly number[]): number {
  return percentile(numbers, 50);
}

/** That which so many in a hundred are below. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN;
}
