import { Webhook } from "standardwebhooks";
import { type Answer, startGateway, type TestGateway } from "./gateway.ts";
import { ask } from "./received.ts";
import { until } from "./until.ts";

/** The configuration of the gateway that takes callbacks in tests, and its secrets. */
export const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
export const ERP_SECRET = `whsec_${Buffer.alloc(32, "erp").toString("base64")}`;
export const LAB_SECRET = `whsec_${Buffer.alloc(32, "lab").toString("base64")}`;
export const SECRETS = {
  SWITCHYARD_API_KEY: "sy_test_4f1c2b7d9e0a6358",
  ERP_WEBHOOK_SECRET: ERP_SECRET,
  LAB_WEBHOOK_SECRET: LAB_SECRET,
};

/** Whoever can be asked by HTTP. */
export type Asked = Pick<TestGateway, "url" | "get" | "post" | "request">;

export interface Link {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly for: string;
  readonly status: string;
}

/** Starts a gateway that takes callbacks. */
export const startWithSenders = (): Promise<TestGateway> => startGateway(CONFIG, SECRETS);

/** Starts an instance and waits until it asks. @returns its address, and that of the approval. */
export async function waiting(
  gateway: Asked,
  agent: string,
  workflow = "gated",
  params: object = {},
): Promise<{ self: string; approvalId: string; approval: string }> {
  const started = await gateway.post(`${agent}/workflows/${workflow}`, { params });
  const { self } = started.json<{ links: { self: string } }>().links;
  const answer = await until(
    () => gateway.get(self),
    (one) => one.json<{ status: string }>().status === "waiting",
  );
  const { approvalId } = answer.json<{ waitingFor: { approvalId: string } }>().waitingFor;
  return { self, approvalId, approval: `${agent}/approvals/${approvalId}` };
}

/** Makes a link of an approval. */
export async function makeLink(
  gateway: Asked,
  approval: string,
  body: object = { for: "ada" },
): Promise<Link> {
  const made = await gateway.post(`${approval}/links`, body);
  if (made.status !== 201) throw new Error(made.text);
  return made.json<Link>();
}

/** Asks for what is behind an address as a browser does: without a key. */
export async function visit(url: URL | string, init: RequestInit = {}): Promise<Answer> {
  const response = await ask(new URL(url), init);
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, text, json: <Shape>() => JSON.parse(text) as Shape };
}

/** Sends the form of a page, with the digest that the page has. */
export async function submit(url: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const { text } = await visit(url);
  return send(url, { shown: shownIn(text), ...fields });
}

/** Sends a form. */
export function send(url: string, fields: Readonly<Record<string, string>>): Promise<Answer> {
  return visit(url, { method: "POST", body: new URLSearchParams(fields) });
}

/** The digest in the form of a page; empty if it has none. */
export function shownIn(page: string): string {
  return /name="shown"\s+value="([^"]*)"/.exec(page)?.[1] ?? "";
}

/** Sends a signed callback. @param message what of it is different. */
export async function callBack(
  { url }: Pick<Asked, "url">,
  body: object | string,
  message: { id?: string; secret?: string; at?: Date; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { id = `msg_${crypto.randomUUID()}`, secret = ERP_SECRET, at = new Date(), headers = {} } = message;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return visit(new URL("/webhooks/approvals", url), {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json", ...signatureOf(text, { id, secret, at }), ...headers },
  });
}

/** Headers of Standard Webhooks for a body. */
export function signatureOf(
  text: string,
  { id = `msg_${crypto.randomUUID()}`, secret = ERP_SECRET, at = new Date() } = {},
): Record<string, string> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, at, text),
  };
}
