import { describe, expect, test } from "vitest";
import { z } from "zod";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { refund, roots, ship } from "./sample.ts";

class StatefulOnly {
  readonly kind = "StatefulOnly";
}
class StatefulRefunds {
  readonly kind = "StatefulRefunds";
}
const state = z.object({ n: z.number() });
const stateful = defineAgent({ name: "stateful", binding: "A", agent: StatefulOnly, state });
const both = defineAgent({
  name: "both",
  binding: "B",
  agent: StatefulRefunds,
  state,
  workflows: [refund],
});
const operations = bindOperations(createRegistry([...roots, stateful, both]));

const AT = { id: "0a1b2c3d-1", agent: "/agents/both/x", time: "2026-04-01T10:00:00.000Z" };
const STATE_UPDATED = { ...AT, type: "state.updated", data: { etag: '"x"', source: "agent" } };
const started = (workflow: string) => ({
  ...AT,
  type: "instance.started",
  instanceId: "r-1",
  workflow,
  attempt: 1,
  data: {},
});

/** Which of these frames, and of these items of a page, the operation may send. */
const sends = (id: string, event: object): { readonly frame: boolean; readonly item: boolean } => {
  const schemas = operations.find((operation) => operation.id === id)?.schemas;
  const page = { items: [event], nextCursor: "0a1b2c3d-1", ended: false, gap: false };
  return {
    frame: schemas?.frame?.safeParse(event).success ?? false,
    item: schemas?.output.safeParse(page).success ?? false,
  };
};
const NEVER = { frame: false, item: false };
const ALWAYS = { frame: true, item: true };

const STEP_COMPLETED = {
  ...started("refund"),
  type: "step.completed",
  data: { stepName: "pay", occurrence: 1 },
};

test("what steps do is told by the events of one instance, and of no whole agent", () => {
  for (const id of ["streamBothInstanceEvents", "streamOrderDeskInstanceEvents"])
    expect(sends(id, STEP_COMPLETED), id).toEqual(ALWAYS);
  for (const id of ["streamBothEvents", "streamOrderDeskEvents"])
    expect(sends(id, STEP_COMPLETED), id).toEqual(NEVER);
});

describe("that the state was changed", () => {
  test.each(["streamStatefulEvents", "streamBothEvents", "streamOrderDeskEvents"])(
    "is told by the events of an agent that has a state: %s",
    (id) => expect(sends(id, STATE_UPDATED)).toEqual(ALWAYS),
  );

  test.each(["streamBothInstanceEvents", "streamOrderDeskInstanceEvents"])(
    "is not told by the events of one instance: %s",
    (id) => expect(sends(id, STATE_UPDATED)).toEqual(NEVER),
  );

  test("is not told by an agent without a state", () => {
    const { id } = operations.find(({ id: one }) => /^streamShipment.*(?<!Instance)Events/.test(one)) ?? {};
    expect(id).toBeDefined();
    expect(sends(id ?? "", STATE_UPDATED)).toEqual(NEVER);
    expect(sends(id ?? "", started(ship.name))).toEqual(ALWAYS);
  });
});

describe("the events of an agent", () => {
  test("can be followed if it has workflows or a state", () => {
    const addresses = operations.map(({ rest }) => rest.path);
    expect(addresses.filter((path) => path.endsWith("}/events") && !path.includes("instances"))).toEqual([]);
    const ofAgents = operations.filter(({ rest }) => rest.path === "/events").map(({ id }) => id);
    expect(ofAgents.filter((id) => /Stateful|Both|OrderDesk|Plain|Returns/.test(id))).toEqual(
      expect.arrayContaining(["streamStatefulEvents", "streamBothEvents", "streamOrderDeskEvents"]),
    );
    expect(operations.filter(({ id }) => id.startsWith("streamPlain"))).toEqual([]);
  });

  test.each(["streamBothEvents", "streamOrderDeskEvents", "streamBothInstanceEvents"])(
    "tell of its instances, and of the stream: %s",
    (id) => {
      expect(sends(id, started(refund.name))).toEqual(ALWAYS);
      expect(sends(id, { type: "stream.gap" })).toEqual({ frame: true, item: false });
    },
  );

  test("of one that has no workflow tell of no instance", () => {
    expect(sends("streamStatefulEvents", started(refund.name))).toEqual(NEVER);
    expect(sends("streamStatefulEvents", { type: "stream.caught-up" })).toEqual({ frame: true, item: false });
  });
});
