/** As often as the gateway sends one. */
const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

/** What a handler of a stream has: it says something, and is told when its reader leaves. */
export interface Sink {
  readonly say: (type: string, data?: string) => void;
  readonly close: () => void;
}

/** A plain SSE response with a heartbeat. @param begin is called once, and returns what is to be done when the reader leaves. */
export function sse(begin: (sink: Sink) => () => void): Response {
  let leave: (() => void) | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string): void => controller.enqueue(encoder.encode(text));
      const heartbeat = setInterval(() => send(": heartbeat\n\n"), HEARTBEAT_MS);
      const end = begin({
        say: (type, data = JSON.stringify({ type })) => send(`event: ${type}\ndata: ${data}\n\n`),
        close: () => controller.close(),
      });
      leave = () => {
        clearInterval(heartbeat);
        end();
      };
    },
    cancel: () => leave?.(),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
