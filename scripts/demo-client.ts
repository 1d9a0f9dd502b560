import { EventSourceParserStream } from "eventsource-parser/stream";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import type { ControlFrame, GatewayEvent } from "../src/gateway/contract/event.ts";
import { DemoFailure } from "./demo-failure.ts";

/** What every refusal says of itself (RFC 9457), as far as a person wants to know. */
const Problem = z.object({ title: z.string(), detail: z.string().optional() });

/** Where a gateway is, and how to be let in. */
export interface Connection {
  readonly url: URL;
  readonly key: string;
  /** With which another system signs its callbacks. */
  readonly secret: string;
  /** Ends every request when it aborts, with its reason. */
  readonly signal: AbortSignal;
  /** Told of each request and its answer, e.g. `GET /agents  200`. */
  readonly log: (line: string) => void;
}

/** The gateway as an HTTP client sees it. A refusal is thrown as {@link DemoFailure}, with what the gateway says of it. */
export interface Client {
  /** @returns the JSON of the answer. */
  get(path: string): Promise<unknown>;
  /** @returns the JSON of the answer. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Sends a callback, as another system does: signed (Standard Webhooks), and without a key. @returns the JSON of the answer. */
  callBack(path: string, body: unknown): Promise<unknown>;
  /** The events of a stream, until the server ends it. */
  follow(path: string): AsyncGenerator<GatewayEvent>;
}

/** Makes a {@link Client}. */
export function createClient(connection: Connection): Client {
  return {
    get: async (path) => readJson(await send(connection, "GET", path)),
    post: async (path, body) => readJson(await send(connection, "POST", path, JSON.stringify(body))),
    async callBack(path, body) {
      const text = JSON.stringify(body);
      return readJson(await send(connection, "POST", path, text, signatureOf(connection, text)));
    },
    async *follow(path) {
      const response = await send(connection, "GET", path, undefined, {
        ...keyOf(connection),
        accept: "text/event-stream",
      });
      if (response.body === null) return;
      const frames = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      for await (const { data } of frames) {
        const frame = JSON.parse(data) as GatewayEvent | ControlFrame;
        if (isEvent(frame)) yield frame;
      }
    },
  };
}

function keyOf({ key }: Connection): Record<string, string> {
  return { authorization: `Bearer ${key}`, accept: "application/json" };
}

function signatureOf({ secret }: Connection, body: string): Record<string, string> {
  const id = `msg_${crypto.randomUUID()}`;
  const now = new Date();
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, now, body),
  };
}

/** @param body is JSON. */
async function send(
  connection: Connection,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = keyOf(connection),
): Promise<Response> {
  const { url, signal, log } = connection;
  const response = await fetch(new URL(path, url), {
    method,
    signal,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body }),
  });
  log(`${method} ${path}  ${response.status}`);
  if (!response.ok)
    throw new DemoFailure(`The gateway refused ${method} ${path}: ${await explain(response)}`);
  return response;
}

function readJson(response: Response): Promise<unknown> {
  return response.json() as Promise<unknown>;
}

async function explain(response: Response): Promise<string> {
  const text = await response.text();
  const problem = Problem.safeParse(parseJson(text));
  if (!problem.success) return `${response.status} ${response.statusText}, without a problem that says why.`;
  const { title, detail } = problem.data;
  return `${response.status}, ${title}${detail === undefined ? "." : `. ${detail}`}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isEvent(frame: GatewayEvent | ControlFrame): frame is GatewayEvent {
  return "instanceId" in frame;
}
