import type { Context } from "hono";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { jsonBody, limitedBody } from "../../../routes/json-body";

/** A request as tRPC reads it, whose body is read, and checked as REST checks bodies, once somebody was let in. */
export function postedRequest(c: Context<GatewayEnv>, signal: AbortSignal): Request {
  const headers = new Headers(c.req.raw.headers);
  // What it really is, is checked with the body.
  headers.set("content-type", "application/json");
  return new PostedRequest(c, { method: "POST", headers, signal });
}

class PostedRequest extends Request {
  readonly #c: Context<GatewayEnv>;

  constructor(c: Context<GatewayEnv>, init: RequestInit) {
    super(c.req.raw.url, init);
    this.#c = c;
  }

  override async text(): Promise<string> {
    const c = this.#c;
    await limitedBody(c, () => jsonBody(c, async () => {}).then(() => undefined));
    return c.req.text();
  }
}
