import { connect } from "node:net";
import { inspect } from "./received.ts";

/** An answer as it came over the wire; its body only if that is not chunked. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends a request as it is, byte by byte: nothing is normalised on the way. */
export function sendRaw(url: URL, request: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      inspect("a raw request", text);
      const [head = "", ...body] = text.split("\r\n\r\n");
      const [, status = "0"] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? [];
      resolve({ status: Number(status), head, body: body.join("\r\n\r\n") });
    });
    socket.end(Buffer.from(request, "latin1"));
  });
}

/** The text of a request that has no body. @param target its path as it is to stand in the request, byte by byte. */
export function rawRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries({ host: "gateway", connection: "close", ...headers });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Does work for each item, some at a time, and keeps the order of the results. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce = 24,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      // Within the list, which the loop has just asked.
      results[at] = await work(items[at] as Item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
