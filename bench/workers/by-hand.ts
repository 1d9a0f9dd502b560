import { Agent, getAgentByName } from "agents";
import { type Sink, sse } from "./sse";

interface Env {
  readonly ROOM: DurableObjectNamespace<Room>;
}

/** A stock Agent that keeps nothing of what is said. */
export class Room extends Agent<Env & Cloudflare.Env> {
  readonly #sinks = new Set<Sink>();

  override shouldSendProtocolMessages(): boolean {
    return false;
  }

  /** A stream that the Agent itself holds, which keeps it awake. */
  override async onRequest(): Promise<Response> {
    return sse((sink) => {
      this.#sinks.add(sink);
      sink.say("stream.caught-up");
      return () => this.#sinks.delete(sink);
    });
  }

  say(type: string): void {
    this.broadcast(type);
    for (const sink of this.#sinks) sink.say(type);
  }
}

/** A stream that the Worker holds, and feeds from a socket of its own to the Agent. */
async function overSocket(room: DurableObjectStub<Room>): Promise<Response> {
  const { webSocket } = await room.fetch("http://room/", { headers: { upgrade: "websocket" } });
  if (webSocket === null) return new Response("no socket", { status: 503 });
  return sse(({ say, close }) => {
    webSocket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") say(data);
    });
    webSocket.addEventListener("close", close);
    webSocket.accept();
    say("stream.caught-up");
    return () => webSocket.close(1000);
  });
}

/** What a user would write without the gateway: no cursor, no replay, nothing kept. */
export default {
  async fetch(request, env) {
    const room = await getAgentByName<Env & Cloudflare.Env, Room>(env.ROOM, "room");
    if (request.method === "POST") {
      await room.say("said");
      return new Response(null, { status: 204 });
    }
    return new URL(request.url).pathname === "/socket" ? overSocket(room) : room.fetch(request);
  },
} satisfies ExportedHandler<Env & Cloudflare.Env>;
