import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer } from "../support/gateway.ts";
import { callBack, CONFIG, makeLink, SECRETS, send, shownIn, visit, waiting } from "../support/links.ts";
import { randomFrom } from "../support/random.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until } from "../support/until.ts";

const GATES = 200;
const AT_ONCE = 8;
const EACH_WAY = 5;
const random = randomFrom(20_261_126);

let storage: string;
let gateway: Runtime;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "doors-"));
  gateway = await startRuntime(CONFIG, storage, SECRETS);
});
afterAll(async () => {
  await gateway.kill();
  await rm(storage, { recursive: true, force: true });
});

/** What somebody says at a gate, and what came of it. */
interface Attempt {
  readonly way: "rest" | "instance" | "link" | "callback";
  readonly decision: "approve" | "reject";
  /** Different in each: what stands can be told from it. */
  readonly mark: string;
  readonly answer: Answer;
}

interface Standing {
  readonly status: string;
  readonly decidedBy: string;
  readonly reason: string;
}

const STATUS = { approve: "approved", reject: "rejected" } as const;
const DECIDERS = {
  rest: /^api-key$/,
  instance: /^api-key$/,
  link: /^holder \d$/,
  callback: /^erp$/,
} as const;

/** The decision that stands, as whoever came too late is told. */
function standingIn(way: Attempt["way"], answer: Answer): Standing {
  if (way !== "link") {
    const { status, reason, decidedBy } = answer.json<{ decision: Standing }>().decision;
    return { status, reason, decidedBy };
  }
  const named = (name: string): string =>
    new RegExp(`<dt>${name}</dt>\\s*<dd>(?:<span[^>]*>)?([^<]*)`).exec(answer.text)?.[1] ?? "";
  return { status: named("Result").toLowerCase(), reason: named("Reason"), decidedBy: named("By") };
}

/** Everybody decides one gate at once, by every door. */
async function storm(n: number): Promise<{ attempts: Attempt[]; standing: Standing; self: string }> {
  const agent = `/agents/workshop/doors-${n % 10}`;
  const { self, approval, approvalId } = await waiting(gateway, agent);
  const links = await Promise.all(
    Array.from({ length: EACH_WAY }, (_, at) => makeLink(gateway, approval, { for: `holder ${at}` })),
  );
  const shown = shownIn((await visit(links[0]?.url ?? "")).text);
  const ways = links.flatMap(({ url }): [Attempt["way"], string][] => [
    ["rest", approval],
    ["instance", self],
    ["link", url],
    ["callback", ""],
  ]);
  const attempts = ways
    .map(([way, address], at) => {
      const decision = random.oneOf(["approve", "reject"] as const);
      const mark = `${way} ${at} of gate ${n}`;
      const said = { reason: mark, ...(decision === "approve" ? { metadata: { signature: mark } } : {}) };
      const act = async (): Promise<Attempt> => {
        const answer = await {
          rest: () => gateway.post(`${address}/${decision}`, said),
          instance: () => gateway.post(`${address}/${decision}`, said),
          link: () =>
            send(address, {
              shown,
              decision,
              reason: mark,
              ...(decision === "approve" ? { "metadata.signature": mark } : {}),
            }),
          callback: () => callBack(gateway, { agent, approvalId, decision, ...said }),
        }[way]();
        return { way, decision, mark, answer };
      };
      return { act, way, place: random.next() };
    })
    .toSorted((a, b) => a.place - b.place);
  // A link asks its agent twice, and a callback is hashed: at some gates these have a start of some round trips.
  const ahead = [undefined, "link", "callback", undefined][n % 4];
  const late = async (): Promise<void> => {
    if (ahead === undefined) return;
    for (let trip = 0; trip < 4; trip += 1) await gateway.get(approval);
  };
  const started = late();
  const done = await Promise.all(
    attempts.map(async ({ act, way }) => {
      if (way !== ahead) await started;
      return act();
    }),
  );
  return { attempts: done, standing: (await gateway.get(approval)).json<Standing>(), self };
}

test(
  `of ${GATES} gates, each decided ${4 * EACH_WAY} times at once through all doors, each is decided once`,
  { timeout: 600_000 },
  async () => {
    const winners = new Map<string, number>();
    for (let first = 0; first < GATES; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, GATES - first) }, (_, at) => first + at);
      for (const { attempts, standing, self } of await Promise.all(numbers.map(storm))) {
        const [winner, ...others] = attempts.filter(({ answer }) => answer.status === 200);
        expect(others).toEqual([]);
        if (winner === undefined) throw new Error("nobody decided");
        const seen = `${winner.way} ${winner.decision}`;
        winners.set(seen, (winners.get(seen) ?? 0) + 1);
        const { status, reason, decidedBy } = standing;
        expect({ status, reason }).toEqual({ status: STATUS[winner.decision], reason: winner.mark });
        expect(decidedBy).toMatch(DECIDERS[winner.way]);
        for (const { way, answer } of attempts.filter((one) => one !== winner)) {
          expect(answer.status).toBe(409);
          expect(standingIn(way, answer)).toEqual({ status, reason, decidedBy });
        }
        const ended = await until(
          () => gateway.get(self),
          (one) => ["complete", "errored"].includes(one.json<{ status: string }>().status),
        );
        const { output, error } = ended.json<{ output?: unknown; error?: { message: string } }>();
        const seenByRun = winner.decision === "approve" ? JSON.stringify(output) : (error?.message ?? "");
        expect(seenByRun).toContain(winner.mark);
        expect(ended.json()).toMatchObject({
          status: winner.decision === "approve" ? "complete" : "errored",
        });
      }
    }
    expect([...winners.values()].reduce((sum, count) => sum + count)).toBe(GATES);
    // Every door was the first one at times.
    expect(new Set([...winners.keys()].map((seen) => seen.split(" ")[0])).size).toBe(4);
  },
);
