import { describe, expect, test } from "vitest";
import { agentClient } from "../../src/gateway/client/agent-client.ts";
import {
  InstanceErrored,
  InstanceTerminated,
  WaitTimedOut,
  WorkflowMismatch,
} from "../../src/gateway/client/errors.ts";
import { json, stand } from "./stand-ins.ts";

const AGENT = "/agents/desk/berlin";
const instance = (status: string, more: object = {}) => ({ id: "r-1", workflow: "refund", status, ...more });
const held = (status: string, more: object = {}) =>
  json(instance(status, more), 200, { "preference-applied": "wait=30" });

const page = (items: readonly string[], nextCursor: string | null) =>
  json({ items: items.map((id) => ({ id })), nextCursor });

function workflowOn(...[replies]: Parameters<typeof stand>) {
  const standing = stand(replies);
  return { ...standing, refunds: agentClient(standing.transport, AGENT).workflow("refund") };
}

describe("waiting for an instance", () => {
  test("asks the gateway to hold its answer, again and again, and returns the output", async () => {
    const { refunds, asked, pauses } = workflowOn([
      held("running"),
      held("waiting"),
      held("complete", { output: 7 }),
    ]);
    expect(await refunds.wait("r-1")).toBe(7);
    expect(asked.map(({ headers }) => headers.get("prefer"))).toEqual(["wait=30", "wait=30", "wait=30"]);
    expect(asked[0]?.url.pathname).toBe(`/base${AGENT}/instances/r-1`);
    expect(pauses).toEqual([]);
  });

  test("does not press a gateway that cannot hold its answer", async () => {
    const { refunds, pauses } = workflowOn([
      json(instance("running")),
      json(instance("running")),
      json(instance("complete", { output: null })),
    ]);
    expect(await refunds.wait("r-1")).toBeNull();
    expect(pauses).toEqual([250, 500]);
  });

  test("throws what its workflow threw", async () => {
    const { refunds } = workflowOn([held("errored", { error: { name: "RangeError", message: "too much" } })]);
    const failure = await refunds.wait("r-1").catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(InstanceErrored);
    expect(failure).toMatchObject({ error: { name: "RangeError" }, instance: { id: "r-1" } });
  });

  test("throws if it was terminated, or is of another workflow", async () => {
    await expect(workflowOn([held("terminated")]).refunds.wait("r-1")).rejects.toBeInstanceOf(
      InstanceTerminated,
    );
    const other = workflowOn([held("complete", { workflow: "ship", output: {} })]);
    await expect(other.refunds.wait("r-1")).rejects.toBeInstanceOf(WorkflowMismatch);
  });

  test("gives up in time, and says how it stands", async () => {
    const { refunds, asked } = workflowOn([json(instance("queued")), json(instance("running"))]);
    const failure = await refunds.wait("r-1", { timeoutMs: 200 }).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(WaitTimedOut);
    expect(failure).toMatchObject({ instance: { status: "running" } });
    expect(asked.map(({ headers }) => headers.get("prefer"))).toEqual(["wait=1", "wait=0"]);
  });
});

describe("a list", () => {
  test("gives its items over all pages, also over those that are empty, and asks for none too many", async () => {
    const { transport, asked } = stand([page(["a", "b"], "1"), page([], "2"), page(["c"], null)]);
    const ids: string[] = [];
    const list = agentClient(transport, AGENT).instances.list({
      status: ["waiting"],
      scope: "subtree",
      limit: 2,
    });
    for await (const { id } of list) ids.push(id);
    expect(ids).toEqual(["a", "b", "c"]);
    expect(asked.map(({ url }) => url.search)).toEqual([
      "?status=waiting&scope=subtree&limit=2",
      "?status=waiting&scope=subtree&limit=2&cursor=1",
      "?status=waiting&scope=subtree&limit=2&cursor=2",
    ]);
  });

  test("is read no further than it is iterated", async () => {
    const { transport, asked } = stand([page(["a"], "1")]);
    for await (const { id } of agentClient(transport, AGENT).approvals.list()) {
      expect(id).toBe("a");
      break;
    }
    expect(asked).toHaveLength(1);
  });

  test("gives its pages from a cursor on", async () => {
    const { transport, asked } = stand([page(["c"], null)]);
    const cursors: (string | null)[] = [];
    for await (const { nextCursor } of agentClient(transport, AGENT).children().pages("2"))
      cursors.push(nextCursor);
    expect(cursors).toEqual([null]);
    expect(asked[0]?.url.search).toBe("?cursor=2");
  });
});
