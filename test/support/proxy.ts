import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestGateway } from "./gateway.ts";

/** What stands between a browser and a gateway: it adds the key, which an EventSource cannot send, and can cut. */
export interface Proxy extends AsyncDisposable {
  readonly url: URL;
  /** Every request that passed, in order, and how it was answered. */
  readonly passed: readonly { readonly lastEventId: string | undefined; readonly status: number }[];
  /** Cuts all connections to clients. */
  cut(): void;
}

/** It has an icon of its own, so that a browser asks for none. */
const PAGE = '<!doctype html><title>a page</title><link rel="icon" href="data:,">';

/** Starts one on this machine. It answers `/` itself, with an empty page. */
export async function startProxy(gateway: TestGateway): Promise<Proxy> {
  const passed: { lastEventId: string | undefined; status: number }[] = [];
  const clients = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === "/") {
      outgoing.setHeader("content-type", "text/html").end(PAGE);
      return;
    }
    const asked = request(new URL(incoming.url ?? "/", gateway.url), {
      method: incoming.method,
      agent: false,
      headers: { ...incoming.headers, host: gateway.url.host, authorization: `Bearer ${gateway.key}` },
    });
    asked.on("response", (answer) => {
      if (outgoing.destroyed) return asked.destroy();
      const lastEventId = incoming.headers["last-event-id"];
      passed.push({ lastEventId: lastEventId?.toString(), status: answer.statusCode ?? 0 });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on("error", () => outgoing.destroy());
    outgoing.on("close", () => asked.destroy());
    incoming.pipe(asked);
  });
  server.on("connection", (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const client of clients) client.destroy();
  };
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    passed,
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}
