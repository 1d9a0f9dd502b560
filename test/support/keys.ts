import type { Answer, TestGateway } from "./gateway.ts";
import { askForKey } from "./received.ts";

/** A key as the gateway shows it once. */
export interface ShownKey {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly status: string;
  readonly rotatedAt: string | null;
  readonly previousSecretUntil: string | null;
}

type Client = Pick<TestGateway, "url" | "key">;

/** Asks for something that shows a key. @param by the key that asks; that of the gateway unless given. */
export async function sendForKey(
  gateway: Client,
  path: string,
  body: unknown,
  by: string = gateway.key,
): Promise<Answer> {
  const response = await askForKey(new URL(path, gateway.url), {
    method: "POST",
    headers: { authorization: `Bearer ${by}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, text, json: <Shape>() => JSON.parse(text) as Shape };
}

/** Makes a key. */
export async function createKey(gateway: Client, body: object, by?: string): Promise<ShownKey> {
  const answer = await sendForKey(gateway, "/keys", body, by);
  if (answer.status !== 201) throw new Error(`no key was made: ${answer.text}`);
  return answer.json<ShownKey>();
}
