import { describe, expect, test } from "vitest";
import { CHATTY_TYPES, WEBHOOK_TYPES } from "../../src/gateway/contract/webhook.ts";
import { type Listener, listensTo, wants } from "../../src/gateway/webhook/subscription.ts";

const listener = (change: Partial<Listener> = {}): Listener => ({
  endpointId: "whe_1",
  eventTypes: [],
  workflows: [],
  approvalLinks: null,
  ...change,
});
const wanted = (change: Partial<Listener>) =>
  WEBHOOK_TYPES.filter((type) => wants(listener(change), { type, workflow: "refund" }));

describe("an endpoint hears", () => {
  test("of everything but what comes any number of times, if it names no types", () => {
    expect(wanted({})).toEqual(
      WEBHOOK_TYPES.filter((type) => !(CHATTY_TYPES as readonly string[]).includes(type)),
    );
  });

  test("of the types that it names, and of no other", () => {
    expect(wanted({ eventTypes: ["state.updated", "instance.errored"] })).toEqual([
      "instance.errored",
      "state.updated",
    ]);
  });

  test("of the workflows that it names, and of nothing that belongs to none", () => {
    const of = listener({ workflows: ["refund"], eventTypes: ["instance.queued", "state.updated"] });
    expect(wants(of, { type: "instance.queued", workflow: "refund" })).toBe(true);
    expect(wants(of, { type: "instance.queued", workflow: "ship" })).toBe(false);
    expect(wants(of, { type: "state.updated" })).toBe(false);
  });

  test("of agents that any of its patterns means", () => {
    const patterns = ["/agents/desk/acme", "/agents/shop/**"];
    expect(listensTo(patterns, "/agents/desk/acme")).toBe(true);
    expect(listensTo(patterns, "/agents/desk/acme/sub/drawer/a")).toBe(false);
    expect(listensTo(patterns, "/agents/shop/x/sub/drawer/a")).toBe(true);
    expect(listensTo(["/**"], "/agents/desk/other")).toBe(true);
  });
});
