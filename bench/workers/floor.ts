import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import { sse } from "./sse";

interface Env {
  readonly SHELF: DurableObjectNamespace<Shelf>;
}

/** One row, read by one RPC. */
export class Shelf extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, text TEXT NOT NULL)");
    ctx.storage.sql.exec("INSERT OR IGNORE INTO rows VALUES ('one', 'some text')");
  }

  read(id: string): { text: string } {
    return this.ctx.storage.sql.exec<{ text: string }>("SELECT text FROM rows WHERE id = ?", id).one();
  }
}

/** What there is to hear; the next one is made before this one is told. */
let news = Promise.withResolvers<void>();

/** Streams that a Worker holds, with nothing durable behind them. What is said reaches its own isolate alone. */
function stream(): Response {
  return sse(({ say }) => {
    const reader = { isOpen: true };
    const listen = async (): Promise<void> => {
      while (reader.isOpen) {
        await news.promise;
        if (reader.isOpen) say("said");
      }
    };
    say("stream.caught-up");
    void listen();
    return () => {
      reader.isOpen = false;
    };
  });
}

const hono = new Hono<{ Bindings: Env }>()
  .get("/hono/:id", ({ req, json }) => json({ id: req.param("id") }))
  .get("/row/:id", async ({ env, req, json }) =>
    json(await env.SHELF.get(env.SHELF.idFromName("shelf")).read(req.param("id"))),
  )
  .get("/stream", stream)
  .post("/say", ({ body }) => {
    const told = news;
    news = Promise.withResolvers();
    told.resolve();
    return body(null, 204);
  });

/** The floor: what the platform takes, with as little on it as can be. */
export default {
  fetch: (request, env) =>
    request.url.endsWith("/plain") ? new Response("some text") : hono.fetch(request, env),
} satisfies ExportedHandler<Env>;
