import { createParser } from "eventsource-parser";
import type { TestGateway } from "./gateway.ts";
import { ask } from "./received.ts";

/** One SSE event, its data read as JSON. */
export interface Received {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: {
    readonly type: string;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly instanceId?: string;
    readonly attempt?: number;
  };
}

/** What was received of the journal: without what a stream says of itself. */
export function eventsIn(received: readonly Received[]): Received[] {
  return received.filter(({ event }) => !event?.startsWith("stream."));
}

/** A reader of one event stream. */
export interface StreamReader extends AsyncDisposable {
  readonly status: number;
  /** Everything that came so far. */
  readonly received: readonly Received[];
  /** Resolves with the first event of this type, past or to come; rejects if the stream ends without it. */
  until(type: string): Promise<Received>;
  /** Resolves when the server has closed the stream. */
  readonly closed: Promise<void>;
}

/** Opens a stream of the gateway. */
export async function openStream(
  gateway: Pick<TestGateway, "url" | "key">,
  path: string,
  headers: Record<string, string> = {},
): Promise<StreamReader> {
  const leave = new AbortController();
  const response = await ask(new URL(path, gateway.url), {
    headers: { authorization: `Bearer ${gateway.key}`, accept: "text/event-stream", ...headers },
    signal: leave.signal,
  });
  const received: Received[] = [];
  let over = false;
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    const told = changed;
    changed = Promise.withResolvers<void>();
    told.resolve();
  };
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      received.push({ id, event, data: JSON.parse(data) as Received["data"] });
      tell();
    },
  });
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
    } catch (failure) {
      if (!leave.signal.aborted) throw failure;
    } finally {
      over = true;
      tell();
    }
  };
  const closed = response.status === 200 ? read() : Promise.resolve();

  return {
    status: response.status,
    received,
    closed,
    async until(type) {
      for (;;) {
        const found = received.find((one) => one.event === type);
        if (found !== undefined) return found;
        if (over)
          throw new Error(
            `the stream ended after ${received.map(({ event }) => event).join(" ")}, without ${type}`,
          );
        await changed.promise;
      }
    },
    async [Symbol.asyncDispose]() {
      leave.abort();
      await closed;
    },
  };
}
