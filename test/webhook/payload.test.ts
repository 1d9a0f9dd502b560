import { describe, expect, test } from "vitest";
import { complete, fail, terminate } from "../../src/gateway/agent/endings.ts";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import { MAX_PAYLOAD_BYTES, webhookShapes } from "../../src/gateway/contract/webhook-payload.ts";
import { cut, ownPayload, payloadOf } from "../../src/gateway/webhook/payload.ts";
import { openDesk } from "../agent/stand-ins.ts";

const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
const shapeOf = (type: string) => {
  const shape = webhookShapes().find((candidate) => candidate.type === type);
  if (shape === undefined) throw new Error(`no webhook of type ${type}`);
  return shape.payload.strict();
};

/** Texts of a megabyte and more that grow when they are written as JSON, or are hard to cut. */
const HOSTILE = {
  plain: "a".repeat(2_000_000),
  quotes: '"\\'.repeat(1_000_000),
  controls: "\u0000\u0001\u001f".repeat(500_000),
  emoji: "👩‍👩‍👧‍👦".repeat(200_000),
  "lone surrogates": "\ud800\udc00\udfff\ud800".repeat(400_000),
  umlauts: "ü".repeat(1_500_000),
} as const;

/** Everything that happens to instances whose people and programs write such a text. */
function happened(text: string): GatewayEvent[] {
  const desk = openDesk();
  const long = "i".repeat(128);
  for (const id of ["one", "two", long]) desk.accept(id, { metadata: { owner: text.slice(0, 100) } });
  desk.report("one", { type: "started" });
  desk.report("one", { type: "progress", progress: { percent: 1, text }, key: "p" });
  desk.ask("one", { stepName: text, summary: text, details: { text } });
  desk.records.change((now) => complete(desk.records, desk.row("one"), { text }, now));
  desk.records.change((now) => fail(desk.records, desk.row("two"), { name: text, message: text }, now));
  desk.records.change((now) => terminate(desk.records, desk.row(long), now));
  desk.records.change((now) => {
    desk.records.journal.appendOfAgent("state.updated", { etag: '"e"', source: "rest" }, now);
  });
  return desk.published.flat();
}

describe.each(Object.entries(HOSTILE))("with %s", (_, text) => {
  test("every message is small, and as its schema says", () => {
    const events = happened(text);
    expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThanOrEqual(9);
    for (const [at, event] of events.entries()) {
      const payload = payloadOf(event, at + 1);
      // Some of it is left for a link.
      expect(bytes(payload), event.type).toBeLessThan(MAX_PAYLOAD_BYTES - 2_500);
      expect(shapeOf(event.type).parse(JSON.parse(JSON.stringify(payload)))).toMatchObject({
        type: event.type,
        timestamp: event.time,
        data: { seq: at + 1, event: event.id, agent: event.agent },
      });
    }
  });

  test("a text is cut between characters, and says so", () => {
    const short = cut(text, 1_000);
    expect(bytes(short) - 2).toBeLessThanOrEqual(1_000);
    expect(bytes(short)).toBeGreaterThan(950);
    expect(short.endsWith("…")).toBe(true);
    expect(text.startsWith(short.slice(0, -1))).toBe(true);
  });
});

test("what fits is not cut", () => {
  for (const text of ["", "a", "…", "a".repeat(100), "ü".repeat(50)]) expect(cut(text, 100)).toBe(text);
  expect(cut("a".repeat(101), 100)).toBe(`${"a".repeat(97)}…`);
});

test("nothing of params, metadata, progress, details or output is told", () => {
  const told = happened("a secret text").map((event, at) => payloadOf(event, at));
  const ofApproval = told.filter(({ type }) => type.startsWith("approval.") || type === "instance.errored");
  const others = told.filter((payload) => !ofApproval.includes(payload));
  expect(others.length).toBeGreaterThan(5);
  expect(JSON.stringify(others)).not.toContain("secret");
  for (const { data } of ofApproval) expect(JSON.stringify(data)).not.toContain('"details"');
});

test.each(["webhook.test", "endpoint.disabled"] as const)("%s is as its schema says", (type) => {
  const id = `whe_${crypto.randomUUID()}`;
  const more = type === "webhook.test" ? {} : { reason: "gone", disabledAt: new Date(0).toISOString() };
  const payload = ownPayload(type, id, 0, more);
  expect(shapeOf(type).parse(payload)).toEqual(payload);
});
