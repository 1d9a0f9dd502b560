import { describe, expect, test } from "vitest";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { originOf } from "../../src/gateway/workflow/origin.ts";

class OriginDesk {
  readonly drawers = 1;
}
class OriginDrawer {
  readonly isOpen = false;
}
const drawer = defineAgent({ name: "drawer", agent: OriginDrawer });
defineAgent({ name: "desk", binding: "DESK", agent: OriginDesk, children: [drawer] });

const root = { binding: "DESK", name: "acme" };
const ofDesk = { kind: "agent", version: 1, ...root };
const ofDrawer = {
  kind: "facet",
  version: 1,
  rootBinding: "DESK",
  path: [
    { className: "OriginDesk", name: "acme" },
    { className: "OriginDrawer", name: "top" },
  ],
};
const about = { __agentName: "acme", __agentBinding: "DESK", __workflowName: "REFUND", orderId: "x" };

describe("whose a run is", () => {
  test.each([
    ["an agent", { ...about, __agentOrigin: ofDesk }, []],
    ["an agent, begun by an older SDK", about, []],
    ["a sub-agent", { ...about, __agentOrigin: ofDrawer }, [{ agent: "drawer", name: "top" }]],
  ])("is read from what the SDK started it with: %s", (_, payload, below) => {
    expect(originOf(payload)).toEqual({ given: undefined, way: { root, below }, binding: "REFUND" });
  });

  test("is given by the gateway beside it", () => {
    const given = { id: "r-1", workflow: "refund", root, below: [] };
    expect(originOf({ ...about, __agentOrigin: { ...ofDesk, gateway: given } })).toMatchObject({ given });
  });

  test.each([
    ["nothing says it", { orderId: "x" }],
    ["its workflow is not said", { __agentName: "acme", __agentBinding: "DESK" }],
    ["its agent has no definition", { ...about, __agentBinding: "OTHER" }],
    [
      "its sub-agent has no definition",
      {
        ...about,
        __agentOrigin: { ...ofDrawer, path: [ofDrawer.path[0], { className: "Unknown", name: "x" }] },
      },
    ],
    ["its root has no definition", { ...about, __agentOrigin: { ...ofDrawer, rootBinding: "OTHER" } }],
  ])("is not known if %s", (_, payload) => {
    expect(originOf(payload)).toBeUndefined();
  });
});
