import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  callbackSenders,
  type CallbackSender,
  checkSenders,
  type SignedCallback,
} from "../../src/gateway/auth/callback-senders.ts";
import type { AgentPath } from "../../src/gateway/contract/names.ts";
import type { ProblemError } from "../../src/gateway/contract/problem.ts";

interface Vectors {
  readonly id: string;
  readonly timestamp: string;
  readonly body: string;
  readonly hmac: { readonly secret: string; readonly signature: string };
  readonly ed25519: { readonly secret: string; readonly signature: string };
}

const VECTORS = JSON.parse(
  readFileSync(new URL("../data/standard-webhooks.json", import.meta.url), "utf8"),
) as Vectors;
const { id, timestamp, body, hmac, ed25519 } = VECTORS;
/** The second half of what signs. */
const PUBLIC_KEY = `whpk_${Buffer.from(ed25519.secret, "base64").subarray(32).toString("base64")}`;
const SENT_AT = Number(timestamp) * 1000;

beforeEach(() => {
  vi.useFakeTimers({ now: SENT_AT });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ERP: CallbackSender = { name: "erp", secret: "ERP_SECRET" };
const signed = (changes: Partial<SignedCallback> = {}): SignedCallback => ({
  id,
  timestamp,
  signature: hmac.signature,
  body,
  ...changes,
});
const nameOf = async (callback: SignedCallback, secret: string): Promise<string | undefined> =>
  (await callbackSenders([ERP], { ERP_SECRET: secret }).verify(callback))?.name;
const other = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;

describe("the fixed vectors of Standard Webhooks", () => {
  test.each([
    ["HMAC, with a bare secret", hmac.secret, hmac.signature],
    ["HMAC, with a prefix", `whsec_${hmac.secret}`, hmac.signature],
    ["Ed25519", PUBLIC_KEY, ed25519.signature],
  ])("verify: %s", async (_, secret, signature) => {
    expect(await nameOf(signed({ signature }), secret)).toBe("erp");
    expect(await nameOf(signed({ signature: `v1,AAAA v2,x ${signature}` }), secret)).toBe("erp");
    expect(await nameOf(signed({ signature }), `${other} ${secret}`)).toBe("erp");
    expect(await nameOf(signed({ signature }), `${secret} ${other}`)).toBe("erp");
  });

  test.each([
    ["another body", { body: `${body} ` }],
    ["another id", { id: "msg_2" }],
    ["another time", { timestamp: String(Number(timestamp) + 1) }],
    ["a time that is no number", { timestamp: `${timestamp}x` }],
    ["no signature", { signature: "" }],
    ["a signature of no version", { signature: hmac.signature.slice(3) }],
    ["one under the version of the other", { signature: hmac.signature.replace("v1,", "v1a,") }],
    ["one under the version of the other, too", { signature: ed25519.signature.replace("v1a,", "v1,") }],
    ["a signature that is no base64", { signature: "v1,! v1a,!" }],
    ["too many signatures", { signature: `${"v1,AAAA ".repeat(10)}${hmac.signature} ${ed25519.signature}` }],
  ])("do not verify with %s", async (_, changes) => {
    const secrets = `${hmac.secret} ${PUBLIC_KEY}`;
    expect(await nameOf(signed(changes), secrets)).toBeUndefined();
    expect(await nameOf(signed({ signature: ed25519.signature, ...changes }), secrets)).toBeUndefined();
  });

  test.each([hmac.signature, ed25519.signature])(
    "hold for five minutes on both sides: %s",
    async (signature) => {
      const secret = `${hmac.secret} ${PUBLIC_KEY}`;
      for (const [seconds, expected] of [
        [300, "erp"],
        [-300, "erp"],
        [301, undefined],
        [-301, undefined],
      ] as const) {
        vi.setSystemTime(SENT_AT + seconds * 1000);
        expect(await nameOf(signed({ signature }), secret), String(seconds)).toBe(expected);
      }
    },
  );
});

const targetAt = (agent: string): { path: AgentPath; instanceId: undefined } => ({
  path: [{ agent, name: "one" }],
  instanceId: undefined,
});

describe("senders", () => {
  const lab: CallbackSender = {
    name: "lab",
    secret: "LAB_SECRET",
    agents: ["/agents/lab/**"],
    scopes: ["money"],
  };

  test("are told apart by their secrets, and reach their own agents", async () => {
    const senders = callbackSenders([ERP, lab], { ERP_SECRET: other, LAB_SECRET: hmac.secret });
    const principal = await senders.verify(signed());
    expect(principal).toMatchObject({ name: "lab", scopes: ["approvals:decide", "money"] });
    expect(principal?.may("approvals:decide", targetAt("lab"))).toBe(true);
    expect(principal?.may("approvals:decide", targetAt("desk"))).toBe(false);
    expect(principal?.may("instances:read", targetAt("lab"))).toBe(false);
  });

  test("that are known are let in while another is not set up; then what is missing is in the log", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const senders = callbackSenders([ERP, lab], { LAB_SECRET: hmac.secret });
    expect((await senders.verify(signed()))?.name).toBe("lab");
    await expect(senders.verify(signed({ id: "x" }))).rejects.toMatchObject({
      code: "gateway_not_configured",
    });
    expect(log.mock.calls.join()).toContain("ERP_SECRET");
  });

  test.each([
    ["is missing", undefined],
    ["is empty", " "],
    ["is short", "whsec_c2hvcnQ="],
    ["is no base64", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"],
    ["is a key of another length", `whpk_${btoa("k".repeat(31))}`],
    ["has one good and one bad part", `${hmac.secret} hunter2`],
  ])(
    "whose secret %s are not configured, which the log tells without it, and the answer to whoever asks without a name",
    async (_, secret) => {
      const log = vi.spyOn(console, "error").mockReturnValue();
      const failure: unknown = await callbackSenders([ERP], { ERP_SECRET: secret })
        .verify(signed())
        .catch((thrown: unknown) => thrown);
      expect(failure).toMatchObject({ code: "gateway_not_configured" });
      const told = log.mock.calls.join();
      expect(told).toContain("ERP_SECRET");
      expect((failure as ProblemError).message).not.toContain("ERP_SECRET");
      for (const part of (secret ?? "").split(" ").filter(Boolean)) expect(told).not.toContain(part);
    },
  );

  test("that are none are not configured", async () => {
    await expect(callbackSenders([], {}).verify(signed())).rejects.toMatchObject({
      code: "gateway_not_configured",
    });
  });

  test.each([
    ["two of one name", [ERP, { ...ERP, secret: "OTHER" }], 'the name "erp"'],
    ["one without a name", [{ ...ERP, name: "" }], 'the name ""'],
    [
      "the name of who holds the configured key",
      [{ ...ERP, name: "api-key" }],
      '"api-key" is how somebody else',
    ],
    ["a name as JWTs have", [{ ...ERP, name: "jwt:ada" }], '"jwt:ada" is how somebody else'],
    ["a pattern that is none", [{ ...ERP, agents: ["/lab/**"] }], '"/lab/**" of "erp"'],
    ["a secret in place of its name", [{ ...ERP, secret: hmac.secret.concat("+") }], "environment variable"],
  ])("are checked when the Worker starts: %s", (_, senders, message) => {
    expect(() => checkSenders(senders)).toThrow(message);
  });

  test("sign as the library does", async () => {
    const at = new Date(SENT_AT);
    const signature = new Webhook(hmac.secret).sign("m-1", at, "{}");
    expect(await nameOf(signed({ id: "m-1", signature, body: "{}" }), hmac.secret)).toBe("erp");
  });
});
