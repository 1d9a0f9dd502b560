import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until, untilStatus } from "../support/until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";

/** One place at which the whole runtime dies, and what must be true after it lives again. */
interface Place {
  readonly name: string;
  /** Brings an instance to the place; the kill follows at once. */
  readonly bring: (runtime: Runtime, agent: string) => Promise<string>;
  readonly after: (runtime: Runtime, self: string) => Promise<void>;
}

const start = async (runtime: Runtime, agent: string, workflow: string, params: object): Promise<string> => {
  const answer = await runtime.post(`${agent}/workflows/${workflow}`, { params });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};
const waiting = async (runtime: Runtime, agent: string): Promise<string> => {
  const self = await start(runtime, agent, "gated", {});
  await untilStatus(() => runtime.get(self), "waiting");
  return self;
};
const accepted = async (request: Promise<{ status: number; text: string }>): Promise<void> => {
  const { status, text } = await request;
  expect(status, text).toBeLessThan(300);
};
const ends = (status: string) => async (runtime: Runtime, self: string) => {
  await untilStatus(() => runtime.get(self), status);
};
const approvedEnds = async (runtime: Runtime, self: string): Promise<void> => {
  await untilStatus(() => runtime.get(self), "waiting");
  await accepted(runtime.post(`${self}/approve`, {}));
  await untilStatus(() => runtime.get(self), "complete");
};

/** What happens once in an attempt, whatever dies: of each, what tells it from others of its type. */
const ONCE =
  /^instance\.(?:queued|started|restarted|completed|terminated)$|^approval\.(?:requested|decided)$/;
async function onceEach(runtime: Runtime, self: string): Promise<readonly string[]> {
  const page = await runtime.get(`${self}/events?limit=100`, { accept: "application/json" });
  const { items } = page.json<{
    items: { type: string; attempt: number; data: { approvalId?: string } }[];
  }>();
  return items
    .filter(({ type }) => ONCE.test(type))
    .map(({ type, attempt, data }) => `${type} ${attempt} ${data.approvalId ?? ""}`);
}

const PLACES: readonly Place[] = [
  {
    name: "after the row of a start",
    bring: (runtime, agent) => start(runtime, agent, "silent", { answer: 1 }),
    after: ends("complete"),
  },
  {
    name: "after the rows of a batch",
    bring: async (runtime, agent) => {
      const items = Array.from({ length: 20 }, (_, n) => ({ params: { answer: n }, id: `batch-${n}` }));
      await accepted(runtime.post(`${agent}/workflows/silent/batch`, { items }));
      return `${agent}/instances/batch-19`;
    },
    after: async (runtime, self) => {
      for (let n = 0; n < 20; n += 1) await ends("complete")(runtime, self.replace("batch-19", `batch-${n}`));
    },
  },
  {
    name: "during a step",
    bring: async (runtime, agent) => {
      const self = await start(runtime, agent, "patient", { workMs: 1_000 });
      await untilStatus(() => runtime.get(self), "running");
      return self;
    },
    after: async (runtime, self) => {
      await accepted(runtime.post(`${self}/events`, { type: "parcel-arrived", payload: { parcel: "p" } }));
      await untilStatus(() => runtime.get(self), "complete");
    },
  },
  { name: "while it waits", bring: waiting, after: approvedEnds },
  {
    name: "after a decision",
    bring: async (runtime, agent) => {
      const self = await waiting(runtime, agent);
      await accepted(runtime.post(`${self}/approve`, { metadata: { signature: "s" } }));
      return self;
    },
    after: ends("complete"),
  },
  {
    name: "after an event came in",
    bring: async (runtime, agent) => {
      const self = await start(runtime, agent, "patient", {});
      await untilStatus(() => runtime.get(self), "waiting");
      await accepted(runtime.post(`${self}/events`, { type: "parcel-arrived", payload: { parcel: "p" } }));
      return self;
    },
    after: ends("complete"),
  },
  {
    name: "after a pause was asked for",
    bring: async (runtime, agent) => {
      const self = await waiting(runtime, agent);
      await accepted(runtime.post(`${self}/pause`));
      return self;
    },
    after: async (runtime, self) => {
      await untilStatus(() => runtime.get(self), "paused");
      await accepted(runtime.post(`${self}/resume`));
      await approvedEnds(runtime, self);
    },
  },
  {
    name: "after a restart was asked for",
    bring: async (runtime, agent) => {
      const self = await waiting(runtime, agent);
      await accepted(runtime.post(`${self}/restart`, {}));
      return self;
    },
    after: async (runtime, self) => {
      await approvedEnds(runtime, self);
      expect((await runtime.get(self)).json()).toMatchObject({ attempt: 2 });
    },
  },
  {
    name: "after a termination was asked for",
    bring: async (runtime, agent) => {
      const self = await waiting(runtime, agent);
      await accepted(runtime.post(`${self}/terminate`, {}));
      return self;
    },
    after: async (runtime, self) => {
      await untilStatus(() => runtime.get(self), "terminated");
      expect((await runtime.post(`${self}/approve`, {})).status).toBe(409);
    },
  },
  {
    name: "during a delete",
    bring: async (runtime, agent) => {
      const self = await waiting(runtime, agent);
      await accepted(runtime.request("DELETE", `${self}?force=true`));
      return self;
    },
    after: async (runtime, self) => {
      expect((await runtime.get(self)).status).toBe(404);
      const agent = self.replace(/\/instances\/.*/, "");
      const id = self.split("/").at(-1) ?? "";
      const again = await runtime.post(`${agent}/workflows/silent`, { params: { answer: 2 }, id });
      expect(again.status).toBe(202);
      await untilStatus(() => runtime.get(self), "complete");
    },
  },
  {
    name: "during the delete of a sub-agent",
    bring: async (runtime, agent) => {
      const child = `${agent}/sub/${agent.includes("/sub/") ? "drawer/d/sub/tool/doomed" : "bench/doomed"}`;
      const self = await waiting(runtime, child);
      await accepted(runtime.request("DELETE", child));
      return self;
    },
    after: async (runtime, self) => {
      expect((await runtime.get(self)).status).toBe(404);
      const child = self.replace(/\/instances\/.*/, "");
      // Until its storage is gone nothing new can have its name.
      await until(
        () => runtime.request("PUT", child),
        ({ status }) => status === 201,
      );
      expect((await runtime.get(self)).status).toBe(404);
      await approvedEnds(runtime, await start(runtime, child, "gated", {}));
    },
  },
];

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

test.each(PLACES)("killed $name: nothing is lost, doubled or stuck", { timeout: 100_000 }, async (place) => {
  const agents = ["/agents/workshop/killed", "/agents/workshop/killed/sub/bench/b"].map((agent) =>
    agent.replace("killed", `killed-${PLACES.indexOf(place)}`),
  );
  const selves: string[] = [];
  {
    await using runtime = await startRuntime(CONFIG, storage);
    for (const agent of agents) selves.push(await place.bring(runtime, agent));
    await runtime.kill();
  }
  await using runtime = await startRuntime(CONFIG, storage);
  for (const self of selves) await place.after(runtime, self);
  for (const agent of agents) {
    const list = (await runtime.get(`${agent}/instances?limit=100`)).json<{ items: { id: string }[] }>()
      .items;
    const open = await until(
      () => runtime.get(`${agent}/instances?status=queued&status=running`),
      (answer) => answer.json<{ items: unknown[] }>().items.length === 0,
    );
    expect(open.status).toBe(200);
    for (const { id } of list) {
      const told = await onceEach(runtime, `${agent}/instances/${id}`);
      expect(told.length).toBeGreaterThan(0);
      expect(told).toEqual([...new Set(told)]);
    }
  }
});
