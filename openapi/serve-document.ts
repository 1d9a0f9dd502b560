import type { Context, Hono } from "hono";
import type { GatewayEnv } from "../routes/gateway-env";
import { ProblemError } from "../src/gateway/contract/problem";
import type { OpenApiDocument } from "./document";
import { excerptOf } from "./excerpt";
import { type Json, toYaml } from "./yaml";

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** One form of a document, ready to be sent. */
interface Form {
  readonly text: string;
  readonly type: string;
  /** Strong: another text has another one. */
  readonly etag: string;
}

/**
 * Serves a document as JSON and as YAML, and what it says of each class of agents by itself. Whoever has it already is told
 * so by its entity tag. Each form is made when it is first asked for, and kept.
 *
 * @param make makes the document, which does not change while the app lives.
 */
export function serveDocument(app: Hono<GatewayEnv>, make: () => OpenApiDocument): void {
  // Not the promises of them: a request cannot wait for what another one has begun, and may not end.
  const forms = new Map<string, Form>();
  let made: OpenApiDocument | undefined;
  const whole = (): OpenApiDocument => (made ??= make());
  const formAt = async (path: string, write: () => string, type: string): Promise<Form> => {
    const form = forms.get(path) ?? (await formOf(write(), type));
    forms.set(path, form);
    return form;
  };

  app.get("/openapi.json", async (c) =>
    send(c, await formAt(c.req.path, () => JSON.stringify(whole()), JSON_TYPE)),
  );
  app.get("/openapi.yaml", async (c) =>
    send(c, await formAt(c.req.path, () => toYaml(plain(whole())), YAML_TYPE)),
  );
  app.get("/openapi/:file{[a-z0-9-]+\\.json}", async (c) => {
    const agent = c.req.param("file").replace(/\.json$/, "");
    const write = (): string => {
      const excerpt = excerptOf(whole(), agent);
      if (excerpt === undefined) throw new ProblemError("not_found");
      return JSON.stringify(excerpt);
    };
    return send(c, await formAt(c.req.path, write, JSON_TYPE));
  });
}

/** What of a document its readers get: no field that is undefined. */
function plain(document: OpenApiDocument): Json {
  return JSON.parse(JSON.stringify(document)) as Json;
}

async function formOf(text: string, type: string): Promise<Form> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return { text, type, etag: `"${btoa(String.fromCharCode(...new Uint8Array(digest)))}"` };
}

/** The document changes with a deploy: it may be kept, and is asked about each time. */
function send(c: Context<GatewayEnv>, { text, type, etag }: Form): Response {
  const headers = { etag, "cache-control": "no-cache" };
  if (isKnown(c.req.header("if-none-match"), etag)) return c.body(null, 304, headers);
  return c.body(text, 200, { ...headers, "content-type": type });
}

/** Whether `If-None-Match` (RFC 9110) names an entity tag; it compares weakly. */
function isKnown(header: string | undefined, etag: string): boolean {
  const known = (header ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  return known.includes("*") || known.includes(etag);
}
