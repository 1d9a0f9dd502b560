import type { Problem } from "../contract/problem";
import { addressOf, type Query } from "./address";
import { ClientError, ConnectionFailed, GatewayProblem, UnexpectedAnswer } from "./errors";
import { delayAfter, type Machine, MACHINE, retryAfterOf } from "./patience";

type HeaderRecord = Readonly<Record<string, string>>;

/** Where a gateway is, and how to be let in. */
export interface Connection {
  /** Its address, e.g. `https://desk.example.com`; it may have a path. */
  readonly url: string | URL;
  /** An API key. */
  readonly key?: string | undefined;
  /** A stream token: it reads the events of one agent or instance, and nothing else. */
  readonly token?: string | undefined;
  /** Sent with every request; a function is asked before each attempt. */
  readonly headers?: HeaderRecord | (() => HeaderRecord | Promise<HeaderRecord>);
  /** Sends requests; the platform's own unless given. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How often a call is tried again that may succeed; 4 unless given. */
  readonly retries?: number;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** What every call takes that changes something. */
export interface ChangeOptions extends CallOptions {
  /** Makes a repeat of this call harmless, also a later one of your own. One is made for each call unless given. */
  readonly idempotencyKey?: string | undefined;
}

/** One request. */
export interface Call extends ChangeOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: HeaderRecord;
}

/** An answer that was read. */
export interface Answer {
  /** The JSON of its body. */
  readonly body: unknown;
  readonly headers: Headers;
}

/** Sends requests to one gateway. */
export interface Transport {
  readonly machine: Machine;
  /** Sends a request, again while that may help, always with the same idempotency key. @throws ClientError */
  send(call: Call): Promise<Answer>;
  /** Opens a stream, in one attempt; undefined if there is nothing more to read. @throws ClientError */
  open(call: Call): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** A gateway that wants to be asked later than this, in milliseconds, is not asked again. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Makes a {@link Transport}. */
export function createTransport(connection: Connection, machine: Machine = MACHINE): Transport {
  const { retries = 4 } = connection;
  return {
    machine,
    async send(call) {
      const keyed =
        call.method === "GET"
          ? call
          : { ...call, idempotencyKey: call.idempotencyKey ?? crypto.randomUUID() };
      for (let failures = 1; ; failures += 1) {
        try {
          const response = await ask(connection, keyed, "application/json", machine);
          return { body: await readBody(response, call.signal), headers: response.headers };
        } catch (failure) {
          const after = retryAfter(failure);
          if (after === undefined || failures > retries) throw failure;
          await machine.pause(delayAfter(failures, machine, after), call.signal);
        }
      }
    },
    async open(call) {
      const { token } = connection;
      const query = token === undefined ? call.query : { ...call.query, token };
      const response = await ask(
        connection,
        { ...call, ...(query === undefined ? {} : { query }) },
        "text/event-stream",
        machine,
      );
      if (response.status === 204) return undefined;
      const type = response.headers.get("content-type") ?? "no type";
      if (response.body !== null && type.startsWith("text/event-stream")) return response.body;
      await response.body?.cancel();
      throw new UnexpectedAnswer(`Not an event stream, but ${type}.`, response.status);
    },
  };
}

/** @returns milliseconds after which a failed call may be tried again; undefined if that is of no use. */
export function retryAfter(failure: unknown): number | undefined {
  if (!(failure instanceof ClientError) || !failure.retryable) return undefined;
  const asked =
    failure instanceof GatewayProblem || failure instanceof UnexpectedAnswer ? failure.retryAfterMs : 0;
  return (asked ?? 0) > LONGEST_RETRY_AFTER_MS ? undefined : (asked ?? 0);
}

/** One attempt. @throws ClientError for every answer that is no success. */
async function ask(
  connection: Connection,
  { method, path, query, body, headers, idempotencyKey, signal }: Call,
  accept: string,
  machine: Machine,
): Promise<Response> {
  const { url, key, fetch: send = (address, init) => fetch(address, init) } = connection;
  const own = typeof connection.headers === "function" ? await connection.headers() : connection.headers;
  const init: RequestInit = {
    method,
    headers: {
      accept,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      ...own,
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  };
  let response: Response;
  try {
    response = await send(addressOf(String(url), path, query), init);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionFailed(`${method} ${path} got no answer.`, { cause });
  }
  if (!response.ok) throw await refusalOf(response, machine.now(), signal);
  return response;
}

async function refusalOf(response: Response, now: number, signal: AbortSignal | undefined): Promise<Error> {
  const after = retryAfterOf(response.headers, now);
  const text = await readText(response, signal).catch(() => "");
  signal?.throwIfAborted();
  const problem = problemIn(text);
  return problem === undefined
    ? new UnexpectedAnswer(`Answered with ${response.status}, without a problem.`, response.status, after)
    : new GatewayProblem(problem, after);
}

function problemIn(text: string): Problem | undefined {
  const value = parseJson(text);
  const isProblem = typeof value === "object" && value !== null && "code" in value && "retryable" in value;
  return isProblem ? (value as Problem) : undefined;
}

async function readBody(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  const text = await readText(response, signal);
  if (text === "") return undefined;
  const value = parseJson(text);
  if (value === undefined) throw new UnexpectedAnswer("The answer is not JSON.", response.status);
  return value;
}

/** A body that breaks off is an answer that did not come. */
async function readText(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionFailed("The answer broke off.", { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Sends a request whose answer has a shape, as the gateway's document says; it is not looked into. */
export async function sendFor<Shape>(transport: Transport, call: Call): Promise<Shape> {
  return (await transport.send(call)).body as Shape;
}
