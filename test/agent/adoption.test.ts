import { describe, expect, test, vi } from "vitest";
import { settleEnd } from "../../src/gateway/agent/adopted-ends.ts";
import { Adoption } from "../../src/gateway/agent/adoption.ts";
import type { EngineView } from "../../src/gateway/agent/engine.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";
import { type Desk, NOON, openDesk, refund, RefundEvent } from "./stand-ins.ts";

/** The SDK's own table, as its constructor makes it. */
const SDK_TABLE = `CREATE TABLE cf_agents_workflows (
  id TEXT PRIMARY KEY NOT NULL, workflow_id TEXT NOT NULL UNIQUE, workflow_name TEXT NOT NULL, status TEXT NOT NULL,
  metadata TEXT, error_name TEXT, error_message TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  completed_at INTEGER)`;

interface Tracked {
  readonly binding?: string;
  readonly status?: string;
  readonly metadata?: object | null;
  readonly error?: readonly [string | null, string | null];
  readonly createdAt?: number;
  readonly completedAt?: number | null;
}

function openShop(workflows = [refund]) {
  const desk = openDesk();
  desk.query(SDK_TABLE);
  const track = (id: string, tracked: Tracked = {}): void => {
    const { binding = "REFUND", status = "running", metadata = null, error = [null, null] } = tracked;
    const { createdAt = NOON, completedAt = null } = tracked;
    desk.records.store.run(
      "INSERT INTO cf_agents_workflows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      `row-${id}`,
      id,
      binding,
      status,
      metadata && JSON.stringify(metadata),
      ...error,
      createdAt / 1000,
      createdAt / 1000 + 5,
      completedAt && completedAt / 1000,
    );
  };
  const tracked = (): unknown[] =>
    desk.query("SELECT workflow_id FROM cf_agents_workflows ORDER BY 1").map(({ workflow_id: id }) => id);
  return { desk, track, tracked, adoption: new Adoption(desk.records, workflows) };
}
const ids = ({ query }: Desk): unknown[] =>
  query("SELECT id FROM switchyard_instances ORDER BY ordinal").map(({ id }) => id);

describe("instances of before the gateway", () => {
  test("go from the SDK's table into the ledger, oldest first, and are told to exist", () => {
    const { desk, track, tracked, adoption } = openShop();
    track("newer", { createdAt: NOON + 1_000 });
    track("older", { metadata: { owner: "ada", urgent: true } });
    expect(adoption.isDue()).toBe(true);
    expect(adoption.takeBatch()).toBe(true);
    expect(tracked()).toEqual([]);
    expect(ids(desk)).toEqual(["older", "newer"]);
    expect(desk.row("older")).toMatchObject({
      engine_id: "older",
      workflow: "refund",
      binding: "REFUND",
      voice: "adopted",
      status: "running",
      attempt: 1,
      metadata: '{"owner":"ada","urgent":true}',
      params: "null",
      created_at: NOON,
      updated_at: NOON + 5_000,
      completed_at: null,
    });
    expect(desk.published.flat()).toMatchObject([
      {
        type: "instance.queued",
        instanceId: "older",
        time: new Date(NOON).toISOString(),
        data: { metadata: { owner: "ada", urgent: true } },
      },
      { type: "instance.queued", instanceId: "newer" },
    ]);
    expect(adoption.isDue()).toBe(false);
    expect(adoption.takeBatch()).toBe(false);
  });

  test("are taken in bounded batches; one that is asked for is taken ahead of its turn", () => {
    const { desk, track, tracked, adoption } = openShop();
    for (let n = 0; n < 501; n += 1) track(`i-${String(n).padStart(3, "0")}`);
    adoption.takeNamed({ id: "i-500" });
    expect(ids(desk)).toEqual(["i-500"]);
    adoption.takeBatch();
    expect(ids(desk)).toHaveLength(501);
    expect(tracked()).toEqual([]);
    expect(adoption.takeBatch()).toBe(true);
    expect(adoption.isDue()).toBe(false);
  });

  test.each([
    { id: "i-1" },
    { instanceId: "i-1" },
    { target: { instanceId: "i-1" } },
    { items: [{ params: {}, id: "i-1" }] },
  ])("are found in what a call names: %j", (input) => {
    const { desk, track, adoption } = openShop();
    track("i-1");
    track("i-2");
    adoption.takeNamed(input);
    expect(ids(desk)).toEqual(["i-1"]);
  });

  test("of a workflow that is not declared stay with the SDK, unless their binding is a former one", () => {
    const renamed = defineWorkflow({
      name: "refund",
      binding: "REFUND",
      formerBindings: ["REPAYMENT"],
      params: refund.params,
      output: refund.output,
    });
    const { desk, track, tracked, adoption } = openShop([renamed as unknown as typeof refund]);
    track("other", { binding: "OTHER" });
    track("former", { binding: "REPAYMENT" });
    adoption.takeBatch();
    expect(tracked()).toEqual(["other"]);
    expect(desk.row("former")).toMatchObject({ binding: "REFUND" });
    expect(adoption.isAny()).toBe(true);
  });

  test("of a renamed binding are adopted once they have its present name", () => {
    const { desk, track, adoption } = openShop();
    track("old", { binding: "REPAYMENT" });
    expect(adoption.isDue()).toBe(false);
    expect(adoption.rename("REPAYMENT", "REFUND")).toBe(1);
    adoption.takeBatch();
    expect(ids(desk)).toEqual(["old"]);
  });

  test("are all taken, or none, and a table that cannot be read harms nothing", () => {
    const { desk, track, tracked, adoption } = openShop();
    track("good");
    track("bad", { createdAt: NOON + 1_000 });
    desk.query("UPDATE cf_agents_workflows SET metadata = '{' WHERE workflow_id = 'bad'");
    const complained = vi.spyOn(console, "error").mockImplementation(() => {});
    adoption.takeBatch();
    expect([ids(desk), tracked(), desk.published.flat()]).toEqual([[], ["bad", "good"], []]);
    expect(adoption.isDue()).toBe(false);
    expect(complained).toHaveBeenCalledOnce();

    desk.query("ALTER TABLE cf_agents_workflows RENAME COLUMN workflow_name TO renamed");
    const anew = new Adoption(desk.records, [refund]);
    expect([anew.isDue(), anew.takeBatch()]).toEqual([false, false]);
    complained.mockRestore();
  });

  test("are none where the SDK has no table", () => {
    const desk = openDesk();
    const adoption = new Adoption(desk.records, [refund]);
    expect([adoption.isAny(), adoption.isDue(), adoption.takeBatch(), adoption.rename("A", "B")]).toEqual([
      false,
      false,
      false,
      0,
    ]);
  });
});

describe("what the SDK has on record", () => {
  test.each([
    ["queued", "queued"],
    ["running", "running"],
    ["waiting", "running"],
    ["waitingForPause", "running"],
    ["unknown", "running"],
    ["paused", "paused"],
    ["complete", "complete"],
    ["errored", "errored"],
    ["terminated", "terminated"],
  ])("as %s is %s", (status, expected) => {
    const { desk, track, adoption } = openShop();
    track("i-1", { status });
    adoption.takeBatch();
    expect(desk.row("i-1").status).toBe(expected);
    expect(desk.published.flat().every((event) => RefundEvent.safeParse(event).success)).toBe(true);
    expect(desk.types()).toEqual(
      expected === "paused" ? ["instance.queued", "instance.paused"] : ["instance.queued"],
    );
  });

  test("as an error is one, unless the engine had only stopped the run", () => {
    const { desk, track, adoption } = openShop();
    track("failed", { status: "errored", error: ["WorkflowError", "no"], completedAt: NOON + 9_000 });
    track("paused", { status: "errored", error: ["WorkflowError", "Aborting engine: User called pause"] });
    adoption.takeBatch();
    expect(desk.row("failed")).toMatchObject({
      status: "errored",
      error: '{"name":"WorkflowError","message":"no"}',
      completed_at: NOON + 9_000,
    });
    expect(desk.row("paused")).toMatchObject({ status: "running", error: null, completed_at: null });
  });

  test("as metadata of any shape becomes labels", () => {
    const { desk, track, adoption } = openShop();
    track("i-1", {
      metadata: { list: [1, "2"], none: null, text: "x".repeat(600), ["k".repeat(70)]: 1, "": "unnamed" },
    });
    adoption.takeBatch();
    expect(JSON.parse(desk.row("i-1").metadata)).toEqual({
      list: '[1,"2"]',
      none: "null",
      text: "x".repeat(512),
      ["k".repeat(64)]: 1,
    });
  });

  test("under an id that no address can have gets one that it can", () => {
    const { desk, track, adoption } = openShop();
    desk.accept("taken");
    for (const id of ["__internal", "sub", "taken"]) track(id);
    adoption.takeBatch();
    expect(ids(desk)).toEqual(["taken", "adopted~__internal", "adopted~sub", "adopted~taken"]);
    expect(desk.row("adopted~sub").engine_id).toBe("sub");
  });

  test("under an id that was adopted before is a new run, in its place", () => {
    const { desk, track, adoption } = openShop();
    track("i-1", { status: "complete", completedAt: NOON });
    adoption.takeBatch();
    track("i-1", { createdAt: NOON + 60_000 });
    new Adoption(desk.records, [refund]).takeBatch();
    expect(ids(desk)).toEqual(["i-1"]);
    expect(desk.row("i-1")).toMatchObject({ status: "running", created_at: NOON + 60_000 });
  });
});

/** An instance that had ended, as it is once the engine has said what it knows of it. */
const settled = (tracked: Tracked, view: EngineView | undefined): Desk => {
  const { desk, track, adoption } = openShop();
  track("i-1", { completedAt: NOON + 9_000, ...tracked });
  adoption.takeBatch();
  expect(desk.row("i-1").check_at).not.toBeNull();
  desk.records.change((now) => settleEnd(desk.records, desk.row("i-1"), view, now));
  return desk;
};

describe("an end that only the SDK knows", () => {
  const error = { name: "TypeError", message: "no" };

  test.each<readonly [string, string, EngineView | undefined, object]>([
    [
      "has its output from the engine",
      "complete",
      { status: "complete", output: { refundId: "x" } },
      { status: "complete", output: '{"refundId":"x"}' },
    ],
    [
      "has its error from the engine",
      "errored",
      { status: "errored", error },
      { error: JSON.stringify(error) },
    ],
    ["stands if the engine has forgotten", "complete", undefined, { status: "complete", output: "null" }],
    [
      "by an error stands if the engine has forgotten",
      "errored",
      undefined,
      { error: '{"name":"Error","message":""}' },
    ],
    ["by a termination stands", "terminated", undefined, { status: "terminated" }],
    [
      "was another if the engine says so",
      "errored",
      { status: "complete", output: null },
      { status: "complete", error: "null" },
    ],
  ])("%s", (_, status, view, expected) => {
    const desk = settled({ status }, view);
    expect(desk.row("i-1")).toMatchObject({ ...expected, completed_at: NOON + 9_000, check_at: null });
    const [queued, end] = desk.published.flat();
    expect(queued?.type).toBe("instance.queued");
    expect(end?.time).toBe(new Date(NOON + 9_000).toISOString());
    expect(RefundEvent.safeParse(end).success).toBe(true);
  });

  test.each([["running"], ["paused"]] as const)("was none if the engine says that it is %s", (status) => {
    const desk = settled({ status: "errored", error: ["WorkflowError", "caught"] }, { status });
    expect(desk.row("i-1")).toMatchObject({ status, completed_at: null, error: "null" });
    expect(desk.types()).not.toContain("instance.errored");
  });
});
