/** Where a number stands: the title of a figure, one of its contenders, one of its columns. */
export interface Cell {
  readonly figure: string;
  readonly contender: string;
  readonly column: string;
}

/** What is aimed at: a number, or a multiple of another one. */
export interface Goal {
  readonly what: string;
  readonly value: Cell;
  /** What it is taken as a multiple of; without it, the number itself counts. */
  readonly over?: Cell;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Of a number that is no multiple. */
  readonly unit?: string;
  /** Where it is not met: what is in the way, and what was tried. */
  readonly because?: string;
}

const inFigure =
  (figure: string) =>
  (contender: string, column: string): Cell => ({ figure, contender, column });
const get = inFigure("Get by id");
const start = inFigure("Starts");
const burst = inFigure("Burst");
const job = inFigure("Whole jobs");
const live = inFigure("Live events");
const fanOut = inFigure("Fan-out");
const list = inFigure("List: first page");
const streams = inFigure("Open streams");
const bundle = inFigure("Bundle");
const cold = inFigure("Cold start");

const TWO_TRIPS = "by hand, two round trips";
const SOCKET = "by hand, WebSocket";
const DIRECT = "by hand, from the Agent";

/** What the gateway may cost. */
export const GOALS: readonly Goal[] = [
  {
    what: "Get by id, processor a request, of by hand with two round trips",
    value: get("Switchyard, REST", "processor"),
    over: get(TWO_TRIPS, "processor"),
    atMost: 0.9,
  },
  {
    what: "Get by id, processor a request, of Worker → Durable Object → row",
    value: get("Switchyard, REST", "processor"),
    over: get("Worker → Durable Object → row", "processor"),
    atMost: 1.6,
  },
  {
    what: "Get on a sub-agent at depth 2, processor a request, of the root",
    value: get("Switchyard, sub-agent at depth 2", "processor"),
    over: get("Switchyard, REST", "processor"),
    atMost: 1.5,
  },
  {
    what: "Start accepted, p50 with 16 at a time, of by hand",
    value: start("Switchyard", "together"),
    over: start(TWO_TRIPS, "together"),
    atMost: 0.25,
  },
  {
    what: "A burst of 1,000 starts to one agent: all accepted, and complete",
    value: burst("Switchyard", "ran"),
    atLeast: 1_000,
  },
  {
    what: "Whole jobs a second, 16 at a time, of by hand",
    value: job("Switchyard", "rate"),
    over: job(SOCKET, "rate"),
    atLeast: 0.9,
  },
  {
    what: "Whole job, processor, of by hand",
    value: job("Switchyard", "processor"),
    over: job(SOCKET, "processor"),
    atMost: 1.15,
  },
  {
    what: "Start → waiting seen, one at a time, of by hand",
    value: job("Switchyard", "waiting"),
    over: job(SOCKET, "waiting"),
    atMost: 1.15,
  },
  {
    what: "Approve → completion seen, one at a time, of by hand",
    value: job("Switchyard", "completion"),
    over: job(SOCKET, "completion"),
    atMost: 1.1,
  },
  {
    what: "Latency of a live event, one reader, of by hand over a WebSocket",
    value: live("Switchyard", "latency"),
    over: live(SOCKET, "latency"),
    atMost: 1.5,
  },
  {
    what: "100 readers × 200 events, events a second, of by hand over WebSockets",
    value: fanOut("Switchyard, instance", "rate"),
    over: fanOut(SOCKET, "rate"),
    atLeast: 0.6,
  },
  {
    what: "The same, of responses streamed from the Agent",
    value: fanOut("Switchyard, instance", "rate"),
    over: fanOut(DIRECT, "rate"),
    atLeast: 1.5,
  },
  {
    what: "A page of 50 among 100,000, of one among 100",
    value: list("Switchyard, 100,000", "p50"),
    over: list("Switchyard, 100", "p50"),
    atMost: 1.3,
  },
  {
    what: "A page of 50 among 10,000, of the SDK's `getWorkflows`",
    value: list("Switchyard, 10,000", "p50"),
    over: list("by hand, 10,000", "p50"),
    atMost: 0.2,
  },
  {
    what: "An open stream, memory",
    value: streams("Switchyard, 500", "memory"),
    atMost: 64,
    unit: "KiB",
  },
  {
    what: "500 open streams, idle: the Agent sleeps",
    value: streams("Switchyard, 500", "sleeps"),
    atLeast: 1,
  },
  {
    what: "500 open streams, idle: processor, of a Worker that sends the same heartbeats",
    value: streams("Switchyard, 500", "idleProcessor"),
    over: streams("floor, 500", "idleProcessor"),
    atMost: 1.5,
  },
  {
    what: "Bundle of a Worker, minified and compressed",
    value: bundle("Switchyard", "compressed"),
    atMost: 400,
    unit: "kB",
  },
  {
    what: "Cold start, of by hand",
    value: cold("Switchyard", "first"),
    over: cold("by hand", "first"),
    atMost: 1.3,
  },
];
