import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import type { TestGateway } from "./gateway.ts";
import { inspector } from "./received.ts";
import type { Received } from "./stream.ts";

/** A reader on a TCP connection of its own, which it can leave full. */
export interface SlowReader {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Everything that it has read so far. */
  readonly received: readonly Received[];
  /** Stops reading as soon as an event of this type was read; resolves then. What comes from now on stays in the connection. */
  stopAt(type: string): Promise<void>;
  /** Reads on, and resolves when the server has closed the stream. */
  readOn(): Promise<void>;
  /** Cuts the connection, read or not. */
  leave(): void;
}

/** Opens a stream that is read only as far as is asked for. */
export async function openSlowly(
  gateway: TestGateway,
  path: string,
  headers: Record<string, string> = {},
): Promise<SlowReader> {
  const request = get(new URL(path, gateway.url), {
    agent: false,
    headers: { authorization: `Bearer ${gateway.key}`, accept: "text/event-stream", ...headers },
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const received: Received[] = [];
  let stopType: string | undefined;
  let stopped = Promise.withResolvers<void>();
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      received.push({ id, event, data: JSON.parse(data) as Received["data"] });
      if (event !== stopType) return;
      stopType = undefined;
      response.pause();
      stopped.resolve();
    },
  });
  response.setEncoding("utf8");
  response.pause();
  const inspectNext = inspector(`GET ${path}`);
  response.on("data", (text: string) => {
    inspectNext(text);
    parser.feed(text);
  });
  // A connection that is cut says so here, too.
  response.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    response.once("close", resolve);
  });

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    received,
    stopAt(type) {
      stopType = type;
      stopped = Promise.withResolvers();
      response.resume();
      return stopped.promise;
    },
    async readOn() {
      response.resume();
      await closed;
    },
    leave: () => {
      request.destroy();
    },
  };
}
