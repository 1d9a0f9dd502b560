import { readFileSync } from "node:fs";
import type { TestGateway } from "./gateway.ts";
import { sends } from "./received.ts";
import type { Received } from "./stream.ts";
import { until } from "./until.ts";

/** The strings that break software, and some that break the frames of a stream. */
export const NAUGHTY: readonly string[] = [
  ...(JSON.parse(
    readFileSync(new URL("../data/naughty-strings.json", import.meta.url), "utf8"),
  ) as readonly string[]),
  "\r",
  "\n",
  "\r\n\r\n",
  "\u0000",
  "a\u0000b",
  "\n\nid: forged\nevent: stream.end\ndata: {}\n\n",
  "data: x\rid: forged\revent: error\r\r",
  "\uFEFF",
  "\u2028\u2029\u0085",
  "\uD800",
  "x\uDFFFx",
];

/** Longest reason that a decision may have. */
const REASON_LENGTH = 2_000;

/** All of them in as few texts as reasons may be long. */
const QUESTIONS: readonly string[] = NAUGHTY.reduce<string[]>(
  (texts, naughty) => {
    const last = texts.at(-1) ?? "";
    if (last.length + naughty.length > REASON_LENGTH) return [...texts, naughty];
    return [...texts.slice(0, -1), last + naughty];
  },
  [""],
);

/** A run that said each of them in each way, and was asked and answered in them. */
export interface NaughtyRun {
  /** Address of its events. */
  readonly events: string;
  /** What it said, as {@link saidIn} reads it from the events. */
  readonly said: readonly string[];
}

/** Brings such a run to its end. */
export async function runNaughty(gateway: TestGateway, agent: string): Promise<NaughtyRun> {
  // Files of which these strings speak.
  sends("/tmp/blns.", "file:///etc/passwd");
  const params = { texts: NAUGHTY, questions: QUESTIONS };
  const started = await gateway.post(`${agent}/workflows/echo`, { params });
  if (started.status !== 202) throw new Error(started.text);
  const { self, events } = started.json<{ links: { self: string; events: string } }>().links;
  for (const [n, question] of QUESTIONS.entries()) {
    await until(
      async () => (await gateway.get(self)).json<{ waitingFor?: { stepName: string } }>(),
      ({ waitingFor }) => waitingFor?.stepName === `question ${n}`,
    );
    const decision = { reason: question, metadata: { answer: saying(question) } };
    const decided = await gateway.post(`${self}/approve`, decision);
    if (decided.status !== 200) throw new Error(decided.text);
  }
  await until(
    () => gateway.get(self),
    (answer) => answer.json<{ status: string }>().status === "complete",
  );
  return {
    events,
    said: inOrder([
      ...NAUGHTY.flatMap((text) => [
        { progress: { said: saying(text) } },
        { message: saying(text) },
        { event: saying(text) },
      ]),
      ...QUESTIONS.flatMap((question) => {
        const asked = { summary: question, details: saying(question) };
        return [asked, { ...asked, reason: question, metadata: { answer: saying(question) } }];
      }),
      { output: { texts: NAUGHTY, answers: QUESTIONS.map(saying) } },
    ]),
  };
}

/** What its author and its approvers said in a run, as its events tell it; sorted, since a message waits for nothing. */
export function saidIn(events: readonly Received["data"][]): string[] {
  const said = events.flatMap(({ type, data = {} }) => {
    if (["instance.progress", "instance.message", "instance.event", "instance.completed"].includes(type))
      return [data];
    if (type !== "approval.requested" && type !== "approval.decided") return [];
    const { summary, details, reason, metadata } = data["approval"] as Record<string, unknown>;
    return [{ summary, details, ...(type === "approval.decided" ? { reason, metadata } : {}) }];
  });
  return inOrder(said);
}

function inOrder(said: readonly unknown[]): string[] {
  return said.map((one) => JSON.stringify(one)).toSorted();
}

function saying(text: string) {
  return { text, named: { [text]: text } };
}
