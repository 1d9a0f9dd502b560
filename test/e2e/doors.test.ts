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
  // A link looks before it decides, which takes longer: at some gates it has a start of two round trips.
  const isHandicap = n % 4 === 0;
  const late = async (): Promise<void> => {
    for (let trip = 0; isHandicap && trip < 2; trip += 1) await gateway.get("/healthz");
  };
  const started = late();
  const done = await Promise.all(
    attempts.map(async ({ act, way }) => {
      if (way !== "link") await started;
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
        const decidedBy = { rest: "api-key", instance: "api-key", link: /^holder \d$/, callback: "erp" }[
          winner.way
        ];
        expect(standing).toMatchObject({
          status: winner.decision === "approve" ? "approved" : "rejected",
          decidedBy: typeof decidedBy === "string" ? decidedBy : expect.stringMatching(decidedBy),
          reason: winner.mark,
        });
        for (const { way, answer } of attempts.filter((one) => one !== winner)) {
          expect(answer.status).toBe(409);
          if (way === "link") {
            expect(answer.text).toContain(`${winner.mark}</span>`);
            expect(answer.text).toContain(`${standing.decidedBy}</span>`);
          } else {
            const { status, reason, decidedBy: by } = standing;
            expect(answer.json()).toMatchObject({ decision: { status, reason, decidedBy: by } });
          }
        }
        const ended = await until(
          () => gateway.get(self),
          (one) => ["complete", "errored"].includes(one.json<{ status: string }>().status),
        );
        expect(ended.json()).toMatchObject(
          winner.decision === "approve"
            ? { status: "complete", output: { signatures: [winner.mark] } }
            : { status: "errored", error: { message: expect.stringContaining(winner.mark) } },
        );
      }
    }
    expect([...winners.values()].reduce((sum, count) => sum + count)).toBe(GATES);
    // Every door was the first one at times.
    expect(new Set([...winners.keys()].map((seen) => seen.split(" ")[0])).size).toBe(4);
  },
);
