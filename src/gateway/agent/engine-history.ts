/** A wait of a run, as the engine's history tells it. Times are milliseconds. */
export interface EngineWait {
  readonly stepName: string;
  /** Which of several waits under this name, from 1. */
  readonly occurrence: number;
  /** Undefined if it waits for a time alone. */
  readonly eventType: string | undefined;
  readonly since: number;
  /** Null where the engine does not say. */
  readonly deadline: number | null;
  readonly state: "open" | "over" | "timed-out";
}

/** What the engine's history tells of one run. */
export interface EngineHistory {
  /** What it was created with, without what the SDK added; undefined if the engine does not say. */
  readonly params: Record<string, unknown> | undefined;
  readonly startedAt: number | undefined;
  readonly waits: readonly EngineWait[];
}

/** What the SDK adds to the parameters of a run. */
const SDK_KEYS: readonly string[] = ["__agentName", "__agentBinding", "__workflowName", "__agentOrigin"];

/** Events that are read; steps only to hear that there is more to read. */
const READ: WorkflowInstanceEventType[] = [
  "workflow_started",
  "step_started",
  "sleep_started",
  "sleep_completed",
  "wait_started",
  "wait_completed",
  "wait_timed_out",
];

/** Silence that counts as the end of what is kept: at least so long, and so many times the longest that it was silent before. */
const QUIET_MS = 300;
const TIMES_LONGER = 10;
const LONGEST_READ_MS = 10_000;

/**
 * Reads the history of a run. A subscription goes over from what is kept to what comes without a word, so that a silence is
 * all there is to tell them apart; what comes during it is read too.
 *
 * @returns undefined if there is more of it than can be read in ten seconds.
 */
export async function readHistory(
  instance: Pick<WorkflowInstance, "subscribe">,
): Promise<EngineHistory | undefined> {
  const end = Date.now() + LONGEST_READ_MS;
  using subscription = await instance.subscribe({ filter: READ });
  const events: WorkflowInstanceEvent[] = [];
  let slowest = 0;
  for (;;) {
    const asked = Date.now();
    if (asked >= end) return undefined;
    const next = await within(subscription.next(), QUIET_MS + TIMES_LONGER * slowest);
    if (next === undefined || next.done === true) return toHistory(events);
    slowest = Math.max(slowest, Date.now() - asked);
    events.push(next.value);
  }
}

/** Folds events, oldest first, into what they tell. */
export function toHistory(events: readonly WorkflowInstanceEvent[]): EngineHistory {
  const waits = new Map<string, EngineWait>();
  let params: Record<string, unknown> | undefined;
  let startedAt: number | undefined;
  const end = (kind: string, stepName: string, state: EngineWait["state"]): void => {
    const wait = waits.get(`${kind}:${stepName}`);
    if (wait !== undefined) waits.set(`${kind}:${stepName}`, { ...wait, state });
  };
  for (const event of events) {
    const { timestamp: since } = event;
    switch (event.type) {
      case "workflow_started":
        startedAt ??= since;
        params ??= sentParams(event.params);
        break;
      case "wait_started": {
        const { stepName, eventType } = event;
        waits.set(`wait:${stepName}`, {
          ...placeOf(stepName),
          eventType,
          since,
          deadline: null,
          state: "open",
        });
        break;
      }
      case "sleep_started": {
        const { stepName, durationMs } = event;
        const deadline = since + durationMs;
        waits.set(`sleep:${stepName}`, {
          ...placeOf(stepName),
          eventType: undefined,
          since,
          deadline,
          state: "open",
        });
        break;
      }
      case "wait_completed":
        end("wait", event.stepName, "over");
        break;
      case "wait_timed_out":
        end("wait", event.stepName, "timed-out");
        break;
      case "sleep_completed":
        end("sleep", event.stepName, "over");
        break;
      default:
    }
  }
  return { params, startedAt, waits: [...waits.values()] };
}

/** The engine counts the uses of a name behind it: `manager-1`. */
function placeOf(counted: string): { readonly stepName: string; readonly occurrence: number } {
  const [, stepName = counted, count = "1"] = /^(.*)-(\d+)$/s.exec(counted) ?? [];
  return { stepName, occurrence: Number(count) };
}

function sentParams(params: unknown): Record<string, unknown> | undefined {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return undefined;
  return Object.fromEntries(Object.entries(params).filter(([key]) => !SDK_KEYS.includes(key)));
}

/** @returns undefined if it takes longer. What comes after that is nobody's any more. */
async function within<Value>(work: Promise<Value>, milliseconds: number): Promise<Value | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), milliseconds);
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
    work.catch(ignore);
  }
}

function ignore(): void {}
