import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { soak } from "../support/soak.ts";

// A run takes about half a minute on a machine that does nothing else.
const LIMIT_MS = 600_000;

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

// The first runs in a root agent, the second in a sub-agent. `npm run test:soak` goes on with others.
test.each([
  { seed: 1, numbers: 5_000, mostBytes: 400_000 },
  { seed: 2, numbers: 1_000, mostBytes: 80_000 },
])(
  "20 readers who drop at random bytes hear $numbers events once and in order, through aborts and a kill (seed $seed)",
  { timeout: LIMIT_MS + 30_000 },
  async (plan) => {
    const { faults, ...figures } = await soak({
      ...plan,
      readers: 20,
      aborts: 4,
      kills: 1,
      storage,
      limitMs: LIMIT_MS,
    });
    expect(faults).toEqual({ lost: 0, doubled: 0, disordered: 0, altered: 0, gaps: 0, examples: [] });
    expect(figures).toMatchObject({ aborts: 4, kills: 1, delivered: figures.expected });
    expect(figures.events).toBeGreaterThanOrEqual(plan.numbers);
    expect(figures.reconnects).toBeGreaterThan(20);
  },
);
