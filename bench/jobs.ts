import { ask, askJson, type Heard, Reader } from "./client.ts";
import type { Systems } from "./systems.ts";

/** A Worker's way of running jobs, each of which waits for an approval. */
export interface Jobs {
  /** Starts one, and returns its id once that is accepted. */
  start(): Promise<string>;
  approve(id: string): Promise<unknown>;
  /** What it is said to be. */
  status(id: string): Promise<string>;
  /** What is said of one that has come to its wait, as far as that is told. */
  readonly begun: string;
}

/** Jobs of which all is told on one stream. */
export interface ToldJobs extends Jobs {
  /** Opens the stream; at least one job must have been started. */
  listen(): Promise<Reader>;
  isWaiting(heard: Heard, id: string): boolean;
  isComplete(heard: Heard, id: string): boolean;
}

const JOB = { text: "some text" };
const METADATA = { owner: "ada" };

/** An agent of Switchyard: the root of a name, or a sub-agent at depth 2 or 4. */
export function agentAt(name: string, depth: 0 | 2 | 4 = 0): string {
  const below = { 0: "", 2: "/sub/tray/inbox", 4: "/sub/tray/inbox/sub/box/left/sub/bin/small" };
  return `/agents/desk/${name}${below[depth]}`;
}

/** Jobs of the engine alone. */
export function engineJobs(systems: Systems): Jobs {
  const url = (path: string): URL => systems.url("engine", path);
  return {
    start: async () => (await askJson<{ id: string }>("POST", url("/jobs"), JOB)).id,
    approve: (id) => ask("POST", url(`/jobs/${id}/approve`)),
    status: (id) => statusAt(url(`/jobs/${id}`)),
    begun: "running",
  };
}

/** Jobs of a stock Agent. @param atOnce whether it is called without the round trip that initialises it. */
export function byHandJobs(systems: Systems, name: string, atOnce = false): ToldJobs {
  const url = (path: string): URL => systems.url("by-hand", `/${name}${path}`);
  return {
    start: async () =>
      (await askJson<{ id: string }>("POST", url(atOnce ? "/at-once/jobs" : "/jobs"), JOB)).id,
    approve: (id) => ask("POST", url(`/jobs/${id}/approve`)),
    status: (id) => statusAt(url(`/jobs/${id}`)),
    begun: "running",
    listen: async () => {
      const reader = Reader.socket(url("/socket"));
      await reader.ready;
      return reader;
    },
    isWaiting: ({ type, data }, id) => type === "progress" && data.includes(id) && data.includes('"review"'),
    isComplete: ({ type, data }, id) => type === "complete" && data.includes(id),
  };
}

/** Jobs of an agent of Switchyard. */
export function switchyardJobs(systems: Systems, agent: string): ToldJobs {
  const url = (path: string): URL => systems.url("switchyard", `${agent}${path}`);
  const start = { params: JOB, metadata: METADATA };
  return {
    start: async () => (await askJson<{ id: string }>("POST", url("/workflows/job"), start)).id,
    approve: (id) => ask("POST", url(`/instances/${id}/approve`), { reason: "seen" }),
    status: (id) => statusAt(url(`/instances/${id}`)),
    begun: "waiting",
    listen: async () => {
      const reader = Reader.events(url("/events"));
      await reader.ready;
      await reader.hear(({ type }) => type === "stream.caught-up");
      return reader;
    },
    isWaiting: ({ type, data }, id) => type === "instance.waiting" && data.includes(id),
    isComplete: ({ type, data }, id) => type === "instance.completed" && data.includes(id),
  };
}

async function statusAt(url: URL): Promise<string> {
  return (await askJson<{ status: string }>("GET", url)).status;
}
