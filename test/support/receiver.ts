import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { inspect } from "./received.ts";

/** One request that a receiver got. */
export interface Hit {
  readonly path: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly signatures: readonly string[];
  readonly body: string;
}

/** What a receiver does with a request: answers with a status and headers, never answers, or cuts the connection. */
export type Reaction =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | "hang"
  | "reset";

/** Somebody who gets webhooks, on this machine. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly hits: readonly Hit[];
  /** Requests of any kind. */
  readonly connections: () => number;
}

/** Starts a receiver. @param react says what it does with the n-th request (from 1) of a message. */
export async function startReceiver(
  react: (hit: Hit, nth: number) => Reaction = () => ({ status: 204 }),
): Promise<Receiver> {
  const hits: Hit[] = [];
  const times = new Map<string, number>();
  let connections = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const hit = await read(request);
    inspect("a webhook", hit.body);
    const nth = (times.get(hit.id) ?? 0) + 1;
    times.set(hit.id, nth);
    hits.push(hit);
    const reaction = react(hit, nth);
    if (reaction === "reset") request.socket.resetAndDestroy();
    else if (reaction !== "hang") response.writeHead(reaction.status, reaction.headers).end("as you say");
  };
  const server = createServer((request, response) => {
    // A sender that gave up.
    answer(request, response).catch(() => request.destroy());
  });
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    hits,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function read(request: IncomingMessage): Promise<Hit> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const header = (name: string): string => String(request.headers[name] ?? "");
  return {
    path: request.url ?? "",
    id: header("webhook-id"),
    timestamp: Number(header("webhook-timestamp")),
    signatures: header("webhook-signature").split(" "),
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

/** Whether one of the signatures of a request was made with a secret, whatever the time. */
export function isSignedWith(secret: string, { id, timestamp, body, signatures }: Hit): boolean {
  return signatures.includes(new Webhook(secret).sign(id, new Date(timestamp * 1_000), body));
}
