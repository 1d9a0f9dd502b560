import { describe, expect, test } from "vitest";
import { Engine } from "../../src/gateway/agent/engine.ts";
import { readEvents } from "../../src/gateway/agent/reading-events.ts";
import type { ServiceContext, ServiceHost } from "../../src/gateway/agent/service-context.ts";
import { finishAttempt, stepSource, takeSteps } from "../../src/gateway/agent/step-taking.ts";
import { StepTurns } from "../../src/gateway/agent/step-turns.ts";
import type { StepEvent } from "../../src/gateway/contract/step-event.ts";
import type { EventsRequest } from "../../src/gateway/port.ts";
import { engineEvent } from "./engine-step.ts";
import { force, openDesk } from "./stand-ins.ts";

const ID = "r-1";

/** An agent with an instance that runs, and how many ask it at once. */
function openReader() {
  const desk = openDesk();
  desk.accept(ID);
  desk.report(ID, { type: "started" });
  const pump = { there: false };
  const host: Pick<ServiceHost, "hasPump" | "requireRoom"> = {
    hasPump: () => pump.there,
    requireRoom: () => {},
  };
  // Reading asks its host for nothing else.
  const context = { records: desk.records, host } as unknown as ServiceContext;
  const turns = new StepTurns();
  const read = (more: Partial<EventsRequest> = {}) =>
    readEvents(context, turns, { instanceId: ID, steps: true, after: undefined, limit: 100, ...more });
  const take = (n: number, end = false): void => {
    const source = stepSource(desk.records, ID);
    if (typeof source === "string") throw new Error(source);
    const events = [engineEvent(n, { type: "step_started", stepName: `s${n}-1` })];
    takeSteps(desk.records, { ...source, id: ID, events, end }, () => {});
  };
  return { desk, pump, read, take };
}
const typesOf = ({ events }: { readonly events: readonly { readonly type: string }[] }) =>
  events.map(({ type }) => type);

describe("who reads steps", () => {
  test("is one of all who ask at once, and the others have what that one copied", async () => {
    const { read, take } = openReader();
    const [first, ...others] = Array.from({ length: 20 }, () => read());
    const { steps } = (await first) ?? {};
    expect(steps).toEqual({ binding: "REFUND", engineId: "engine-r-1", attempt: 1, after: 0, ended: false });
    take(1);
    expect(typesOf(await read({ copied: true }))).toContain("step.started");
    for (const answer of await Promise.all(others)) {
      expect(answer.steps).toBeUndefined();
      expect(typesOf(answer)).toContain("step.started");
    }
  });

  test("has nothing to copy while somebody follows live, until the instance has ended", async () => {
    const { desk, pump, read } = openReader();
    pump.there = true;
    expect((await read()).steps).toBeUndefined();
    force(desk, ID, "complete");
    expect((await read()).steps).toMatchObject({ ended: true });
  });

  test("is told that more comes until the engine has told the end", async () => {
    const { desk, read, take } = openReader();
    desk.report(ID, { type: "completed", output: null }, Date.now());
    expect(await read()).toMatchObject({ ended: true, more: true });
    await read({ copied: true });
    take(1, true);
    const answer = await read();
    expect(answer).toMatchObject({ ended: true, more: false });
    expect(answer.steps).toBeUndefined();
  });

  test("does not wait for ever for an engine that does not tell it", async () => {
    const { desk, read } = openReader();
    desk.report(ID, { type: "completed", output: null }, Date.now() - 61_000);
    expect(await read({ copied: true })).toMatchObject({ ended: true, more: false });
  });

  test("costs nothing if nobody asks for them", async () => {
    const { desk, read } = openReader();
    const { queries } = desk;
    const before = queries.length;
    expect((await read({ steps: false })).steps).toBeUndefined();
    expect(queries.slice(before).filter((query) => query.includes("switchyard_step"))).toEqual([]);
  });
});

/** An engine that has told these events, and is silent then; and after which each subscription began. */
const engineOf = (told: readonly number[]) => {
  const subscribed: number[] = [];
  const engine = new Engine({
    REFUND: {
      create: () => {},
      get: async () => ({
        subscribe: async ({ cursor }: { cursor: number }) => {
          subscribed.push(cursor);
          const left = told.filter((n) => n > cursor);
          return {
            next: async () => {
              const n = left.shift();
              return n === undefined
                ? new Promise<never>(() => {})
                : { done: false, value: engineEvent(n, { type: "step_started", stepName: `s${n}-1` }) };
            },
            [Symbol.dispose]: () => {},
          };
        },
      }),
    },
  });
  return { engine, subscribed };
};

describe("before a restart", () => {
  test("what is left of the attempt is copied, and then nothing of it counts any more", async () => {
    const { desk, take } = openReader();
    take(1);
    const { engine, subscribed } = engineOf([1, 2, 3]);
    const published: StepEvent[] = [];
    await finishAttempt(desk.records, engine, ID, (event) => published.push(event));
    expect(published.map(({ data }) => data.stepName)).toEqual(["s2", "s3"]);
    expect(stepSource(desk.records, ID)).toBe("over");
    await finishAttempt(desk.records, engine, ID, (event) => published.push(event));
    expect(subscribed).toEqual([1]);
  });

  test("also where somebody else copies at the same time", async () => {
    const { desk, take } = openReader();
    take(1);
    const { engine, subscribed } = engineOf([1, 2, 3]);
    const finished = finishAttempt(desk.records, engine, ID, () => {});
    take(2);
    await finished;
    expect(desk.records.steps.after(ID, 0, 9).rows.map(({ step_name: name }) => name)).toEqual([
      "s1",
      "s2",
      "s3",
    ]);
    expect(subscribed).toEqual([1, 2]);
  });

  test("nothing is asked of the engine if nobody ever asked for steps", async () => {
    const { desk } = openReader();
    const { engine, subscribed } = engineOf([1]);
    await finishAttempt(desk.records, engine, ID, () => {});
    expect(subscribed).toEqual([]);
  });
});
