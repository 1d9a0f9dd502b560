import { join } from "node:path";
import { createTestHarness, type TestHarness } from "wrangler";
import { ask } from "./received.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEY = "sy_test_4f1c2b7d9e0a6358";

/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. It is what a test expects: a wrong shape fails its expectation. */
  json<Shape>(): Shape;
}

/** A gateway on the real engine, behind a real port. */
export interface TestGateway extends AsyncDisposable {
  readonly url: URL;
  readonly key: string;
  readonly harness: TestHarness;
  /** Sends a request with the key; a body is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Starts a gateway with fresh storage. @param config a wrangler configuration, relative to the root of the project. */
export async function startGateway(
  config = "wrangler.jsonc",
  secrets: Record<string, string> = { SWITCHYARD_API_KEY: KEY },
): Promise<TestGateway> {
  const harness = createTestHarness({ root: ROOT, workers: [{ configPath: join(ROOT, config), secrets }] });
  const { url } = await harness.listen();

  return { ...clientOf(url, KEY), harness, [Symbol.asyncDispose]: () => harness.close() };
}

/** The client side of a gateway at an address. */
export function clientOf(url: URL, key: string): Omit<TestGateway, "harness" | keyof AsyncDisposable> {
  const request: TestGateway["request"] = async (method, path, body, headers = {}) => {
    const response = await ask(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: <Shape>() => JSON.parse(text) as Shape,
    };
  };
  return {
    url,
    key,
    request,
    get: (path, headers) => request("GET", path, undefined, headers),
    post: (path, body, headers) => request("POST", path, body, headers),
  };
}
