import { ask, askJson, type Heard, Reader, until } from "./client.ts";
import type { Systems } from "./systems.ts";

/** What a ticker says, and the time at which it said it, in milliseconds since 1970. */
export interface Tick {
  readonly tick: number;
  readonly at: number;
}

/** How often it says something, and how long it waits in between, in milliseconds. */
export interface Pace {
  readonly ticks: number;
  readonly everyMs: number;
}

/** A workflow that waits for a word, and then says what time it is. */
export interface Ticker {
  /** Gives the word. */
  go(): Promise<unknown>;
  /** Begins to read. */
  read(): Reader;
  /** What is said in something that was heard; undefined if that is something else. */
  tickIn(heard: Heard): Tick | undefined;
}

/** Where somebody who wrote it by hand listens. */
export type ByHand = "socket" | "direct" | "events";

/** Starts one by hand. @param name of its Agent. */
export async function startByHand(
  systems: Systems,
  name: string,
  pace: Pace,
  where: ByHand,
): Promise<Ticker> {
  const url = (path: string): URL => systems.url("by-hand", `/${name}/${path}`);
  const { id } = await askJson<{ id: string }>("POST", url("tick"), { ...pace, waits: true });
  return {
    go: () => ask("POST", url(`jobs/${id}/approve`)),
    read: () => (where === "socket" ? Reader.socket(url(where)) : Reader.events(url(where))),
    tickIn: ({ type, data }) =>
      type === "progress" ? (JSON.parse(data) as { progress: Tick }).progress : undefined,
  };
}

/** Starts one behind the gateway, which nothing was started at before. @param agent its path. @param of what is read. */
export async function startBehindGateway(
  systems: Systems,
  agent: string,
  pace: Pace,
  of: "instance" | "agent",
): Promise<Ticker> {
  const url = (path: string): URL => systems.url("switchyard", `${agent}/${path}`);
  await ask("POST", url("workflows/ticker"), { params: { ...pace, waits: true }, id: "ticker" });
  const instance = () => askJson<{ status: string }>("GET", url("instances/ticker"));
  await until(instance, ({ status }) => status === "waiting");
  return {
    go: () => ask("POST", url("instances/ticker/approve"), {}),
    read: () => Reader.events(url(of === "agent" ? "events" : "instances/ticker/events")),
    tickIn: ({ type, data }) =>
      type === "instance.progress"
        ? (JSON.parse(data) as { data: { progress: Tick } }).data.progress
        : undefined,
  };
}
