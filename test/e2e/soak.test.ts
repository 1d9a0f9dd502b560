import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { soak } from "../support/soak.ts";

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

test.each([1, 2])(
  "20 readers who drop at random bytes hear 5,000 events once and in order, through aborts and a kill (seed %d)",
  { timeout: 240_000 },
  async (seed) => {
    const figures = await soak({
      seed,
      numbers: 5_000,
      readers: 20,
      aborts: 4,
      kills: 1,
      mostBytes: 400_000,
      storage,
    });
    expect(figures).toMatchObject({ lost: 0, doubled: 0, disordered: 0, altered: 0 });
    expect(figures.events).toBeGreaterThanOrEqual(5_000);
    expect(figures.delivered).toBe(figures.events * 20);
    expect(figures.reconnects).toBeGreaterThan(20);
  },
);
