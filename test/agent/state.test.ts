import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { ServiceContext } from "../../src/gateway/agent/service-context.ts";
import { changeState, viewState } from "../../src/gateway/agent/state.ts";
import type { Once, StateChange } from "../../src/gateway/port.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { childless, openDesk, problemOf } from "./stand-ins.ts";

class TypedDesk {
  readonly state = "typed";
}
class LooseDesk {
  readonly state = "loose";
}
const typed = defineAgent({
  name: "typed-desk",
  binding: "TypedDesk",
  agent: TypedDesk,
  state: z.strictObject({ open: z.boolean(), note: z.string().optional() }),
});
const loose = defineAgent({ name: "loose-desk", binding: "LooseDesk", agent: LooseDesk });
const FIRST = { open: false };

const unused = (): never => {
  throw new Error("not for the state");
};

/** An agent with a state, and every state that was set. */
function openAgent(
  options: {
    readonly first?: unknown;
    readonly initial?: unknown;
    readonly definition?: typeof typed | typeof loose;
  } = {},
) {
  const { definition = typed, initial = FIRST } = options;
  let state = "first" in options ? options.first : FIRST;
  const changes: unknown[] = [];
  const { query, records } = openDesk();
  const context: ServiceContext = {
    records,
    host: {
      definition,
      family: childless(records, definition),
      path: [{ agent: definition.name, name: "acme" }],
      ensureAlarm: unused,
      deliverSoon: unused,
      deliverStarts: unused,
      deliver: unused,
      inspection: { checkIfStale: unused, checkIfUnheard: unused },
      migrateBinding: () => 0,
      adopt: () => {},
      hasPump: unused,
      publishStep: unused,
      requireRoom: unused,
      closeTails: unused,
      invoke: unused,
      state: () => state,
      initialState: () => initial,
      setState: (next) => {
        changes.push(next);
        state = next;
      },
    },
  };
  const change = (asked: StateChange, ifMatch?: string, once?: Once) =>
    changeState(context, { change: asked, ifMatch, once });
  return { change, changes, query, view: () => viewState(context) };
}
const replace = (state: unknown): StateChange => ({ kind: "replace", state });
const merge = (patch: Record<string, unknown>): StateChange => ({ kind: "merge", patch });
const reset: StateChange = { kind: "reset" };

describe("the tag of a state", () => {
  test("is an entity tag, the same as long as the state is", () => {
    const { view } = openAgent();
    expect(view().etag).toMatch(/^"[\w-]{22}"$/);
    expect(view()).toEqual(view());
    expect(openAgent().view().etag).toBe(view().etag);
  });

  test("is another for each other state", () => {
    const states = [
      undefined,
      false,
      0,
      "",
      "null",
      [],
      {},
      { open: false },
      { open: true },
      [{ open: true }],
    ];
    const tags = states.map((first) => openAgent({ first }).view().etag);
    expect(new Set(tags).size).toBe(states.length);
  });

  test("of no state is that of null", () => {
    const nothing = openAgent({ first: undefined }).view();
    expect(nothing).toEqual(openAgent({ first: null }).view());
    expect(nothing.state).toBeNull();
  });

  test("changes with the state, and comes back with it; what a change answers is what is read then", () => {
    const { change, view } = openAgent();
    const first = view();
    const changed = change(replace({ open: true }));
    expect(changed).toEqual(view());
    expect(changed.etag).not.toBe(first.etag);
    expect(change(replace(FIRST))).toEqual(first);
  });
});

describe("a change with a tag", () => {
  test.each([replace({ open: true }), merge({ open: true }), reset])(
    "that is fresh is made: $kind",
    (asked) => {
      const { change, changes, view } = openAgent();
      change(asked, view().etag);
      expect(changes).toHaveLength(1);
    },
  );

  test("that is any is made, whatever the state is", () => {
    const { change, changes } = openAgent();
    change(replace({ open: true }), "*");
    expect(changes).toEqual([{ open: true }]);
  });

  test.each([replace({ open: true }), merge({ open: true }), reset])(
    "that is stale is refused, and nothing changes: $kind",
    (asked) => {
      const { change, changes, view } = openAgent();
      const { etag } = view();
      change(replace({ open: true, note: "by another" }));
      const before = view();
      changes.length = 0;
      expect(problemOf(() => change(asked, etag)).code).toBe("precondition_failed");
      expect(changes).toEqual([]);
      expect(view()).toEqual(before);
    },
  );

  test.each(["", '""', '"*"', '"x"'])("that was never one is refused: %j", (etag) => {
    const { change, changes } = openAgent();
    expect(problemOf(() => change(reset, etag)).code).toBe("precondition_failed");
    expect(changes).toEqual([]);
  });

  test("for any tag is made whatever the state is", () => {
    expect(openAgent().change(replace({ open: true }), "*").state).toEqual({ open: true });
  });

  test("is refused before what it would change is checked", () => {
    expect(problemOf(() => openAgent().change(replace({ open: "wide" }), '"x"')).code).toBe(
      "precondition_failed",
    );
  });

  test("of several that read the same state is made by the first alone", () => {
    const { change, view } = openAgent();
    const { etag } = view();
    change(merge({ note: "first" }), etag);
    expect(problemOf(() => change(merge({ note: "second" }), etag)).code).toBe("precondition_failed");
    expect(view().state).toEqual({ open: false, note: "first" });
  });
});

describe("a replacement", () => {
  test("leaves nothing of the old state", () => {
    const { change, view } = openAgent({ first: { open: false, note: "old" } });
    change(replace({ open: true }));
    expect(view().state).toEqual({ open: true });
  });

  test("that does not match the schema is refused, says where, and changes nothing", () => {
    const { change, changes } = openAgent();
    const { code, extras } = problemOf(() => change(replace({ open: "wide" })));
    expect(code).toBe("invalid_request");
    expect(extras.errors).toMatchObject([{ in: "body", pointer: "/open" }]);
    expect(changes).toEqual([]);
  });

  test("can be anything where there is no schema", () => {
    for (const state of [null, 0, "text", [1], { any: "thing" }]) {
      expect(openAgent({ definition: loose }).change(replace(state)).state).toEqual(state);
    }
  });
});

describe("a merge", () => {
  test("sets the fields that it names, and leaves the others", () => {
    const { change } = openAgent({ first: { open: false, note: "old" } });
    expect(change(merge({ open: true })).state).toEqual({ open: true, note: "old" });
  });

  test("is shallow", () => {
    const { change } = openAgent({ definition: loose, first: { a: { b: 1, c: 2 } } });
    expect(change(merge({ a: { b: 3 } })).state).toEqual({ a: { b: 3 } });
  });

  test("into no state is the state", () => {
    expect(openAgent({ first: undefined }).change(merge({ open: true })).state).toEqual({ open: true });
  });

  test.each([
    ["a value that does not fit", FIRST, { open: 1 }, "/open"],
    ["a field that is not known", FIRST, { colour: "red" }, "/colour"],
    ["a field that is still missing", undefined, { note: "n" }, "/open"],
  ])("is checked as a whole: %s", (_, first, patch, pointer) => {
    const { change, changes } = openAgent({ first });
    const { code, extras } = problemOf(() => change(merge(patch)));
    expect(code).toBe("invalid_request");
    expect(extras.errors).toMatchObject([{ in: "body", pointer }]);
    expect(changes).toEqual([]);
  });

  test("of a field called __proto__ is one more field, and no prototype", () => {
    const { change, view } = openAgent({ definition: loose });
    change(merge(JSON.parse('{"__proto__":{"admin":true}}') as Record<string, unknown>));
    expect(view().state).not.toHaveProperty("admin");
    expect(Object.getPrototypeOf(view().state)).toBe(Object.prototype);
  });
});

describe("a reset", () => {
  test("sets the first state, and answers it", () => {
    const { change, changes } = openAgent({ first: { open: true } });
    expect(change(reset).state).toEqual(FIRST);
    expect(changes).toEqual([FIRST]);
  });

  test("is refused where there is no first state that fits the schema, and nothing changes", () => {
    const { change, changes } = openAgent({ first: { open: true }, initial: {} });
    expect(problemOf(() => change(reset)).code).toBe("invalid_request");
    expect(changes).toEqual([]);
  });
});

describe("a change with an idempotency key", () => {
  const once = { key: "k-1", fingerprint: "f-1" };

  test("whose answer cannot be kept is not made: the state is set last", () => {
    const { change, changes, query, view } = openAgent();
    query("DROP TABLE switchyard_answers");
    query("CREATE TABLE switchyard_answers (key TEXT)");
    const before = view();
    expect(() => change(merge({ note: "mine" }), undefined, once)).toThrow("switchyard_answers");
    expect(changes).toEqual([]);
    expect(view()).toEqual(before);
  });

  test("is made once, and answered as the first time, also if its tag is stale by then", () => {
    const { change, changes, view } = openAgent();
    const { etag } = view();
    const first = change(merge({ note: "mine" }), etag, once);
    change(merge({ note: "of another" }));
    changes.length = 0;
    expect(change(merge({ note: "mine" }), etag, once)).toEqual(first);
    expect(changes).toEqual([]);
  });

  test("that was refused may be made later", () => {
    const { change } = openAgent();
    expect(problemOf(() => change(merge({ open: "wide" }), undefined, once)).code).toBe("invalid_request");
    expect(change(merge({ open: true }), undefined, once).state).toEqual({ open: true });
  });
});
