import { expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { newSecret, signedHeaders } from "../../src/gateway/webhook/signature.ts";
import vectors from "../data/standard-webhooks.json" with { type: "json" };

test("a signature is that of the fixed vector", () => {
  const { id, timestamp, body, hmac } = vectors;
  const headers = signedHeaders({ id, at: Number(timestamp) * 1_000 + 999, body }, [`whsec_${hmac.secret}`]);
  expect(headers).toEqual({
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": hmac.signature,
  });
});

test("each secret signs, and the library knows each signature", () => {
  const secrets = [newSecret(), newSecret()];
  const body = JSON.stringify({ text: "Grüße ✓ \u2028" });
  const headers = signedHeaders({ id: "msg_1", at: Date.now(), body }, secrets);
  expect(headers["webhook-signature"]?.split(" ")).toHaveLength(2);
  for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow("No matching signature");
  expect(() => new Webhook(secrets[0] ?? "").verify(`${body} `, headers)).toThrow("No matching signature");
});

test("a secret has 32 bytes, and is never the same", () => {
  const [one, other] = [newSecret(), newSecret()];
  expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(one).not.toBe(other);
});
