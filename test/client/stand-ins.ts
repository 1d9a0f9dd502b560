import type { Machine } from "../../src/gateway/client/patience.ts";
import { type Connection, createTransport, type Transport } from "../../src/gateway/client/transport.ts";

/** A request as the other side got it. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: unknown;
  readonly signal: AbortSignal | null | undefined;
}

/** One answer, or a failure to answer. */
export type Reply = (asked: Asked) => Response | Promise<Response>;

/** A transport whose other side is a list of answers, on a machine whose clock stands still but for pauses. */
export interface Standing {
  readonly transport: Transport;
  readonly asked: Asked[];
  /** Milliseconds of each pause. */
  readonly pauses: number[];
}

/** Makes a {@link Standing}. What is asked beyond the answers fails the test. */
export function stand(replies: readonly Reply[], connection: Partial<Connection> = {}): Standing {
  const asked: Asked[] = [];
  const pauses: number[] = [];
  let now = 1_000_000;
  const machine: Machine = {
    now: () => now,
    random: () => 0.5,
    async pause(milliseconds, signal) {
      signal?.throwIfAborted();
      pauses.push(milliseconds);
      now += milliseconds;
    },
  };
  const transport = createTransport(
    {
      url: "https://desk.example.com/base/",
      key: "the-key",
      async fetch(url, { method = "GET", headers, body, signal }) {
        const one: Asked = {
          method,
          url: new URL(url),
          headers: new Headers(headers),
          body: typeof body === "string" ? (JSON.parse(body) as unknown) : undefined,
          signal,
        };
        asked.push(one);
        const reply = replies[asked.length - 1];
        if (reply === undefined) throw new Error(`nobody expects request ${asked.length}: ${method} ${url}`);
        return reply(one);
      },
      ...connection,
    },
    machine,
  );
  return { transport, asked, pauses };
}

/** An answer with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return () => Response.json(body, { status, headers });
}

/** A refusal, as the gateway writes it. */
export function problem(
  code: string,
  status: number,
  retryable: boolean,
  headers: Record<string, string> = {},
): Reply {
  const body = {
    type: `urn:switchyard:problem:${code}`,
    title: code,
    status,
    code,
    requestId: "r",
    retryable,
  };
  return json(body, status, { "content-type": "application/problem+json", ...headers });
}

/** No answer. */
export const cut: Reply = () => {
  throw new TypeError("fetch failed");
};

/** A stream of these texts, which then ends, breaks off, or falls silent until the reader leaves. */
export function stream(texts: readonly string[], then: "ends" | "breaks" | "hangs" = "ends"): Reply {
  return ({ signal }) => {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const text of texts) controller.enqueue(encoder.encode(text));
        if (then === "ends") controller.close();
        if (then === "hangs") signal?.addEventListener("abort", () => controller.error(signal.reason));
      },
      pull(controller) {
        if (then === "breaks") controller.error(new TypeError("terminated"));
        return then === "hangs" ? new Promise(() => {}) : undefined;
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  };
}

/** A frame as the gateway writes it. */
export function frame(id: string, type: string): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type })}\n\n`;
}
