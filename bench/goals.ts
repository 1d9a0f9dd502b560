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
    because:
      "Who asks, the id, the trace, the log line and the headers of each answer are a third of it; validators, routing and the agent's own part the rest. By hand nobody is asked who they are, and nothing is logged. Tried, and kept: what follows from the environment is made once, nothing is made that a request does not ask for, the row is read once, answers cross RPC as JSON: a third less than before.",
  },
  {
    what: "Get by id, processor a request, of Worker → Durable Object → row",
    value: get("Switchyard, REST", "processor"),
    over: get("Worker → Durable Object → row", "processor"),
    atMost: 1.6,
    because: "As above.",
  },
  {
    what: "Get on a sub-agent at depth 2, processor a request, of the root",
    value: get("Switchyard, sub-agent at depth 2", "processor"),
    over: get("Switchyard, REST", "processor"),
    atMost: 1.5,
    because:
      "The SDK asks a sub-agent each time before it is called, and writes four rows. To call one that is known at once brought 1.3, and lost events of streams in the soak when a sub-agent died: taken back.",
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
    because:
      "The engine and the gateway share one process here, so that this follows from the processor's time: see the next row.",
  },
  {
    what: "Whole job, processor, of by hand",
    value: job("Switchyard", "processor"),
    over: job(SOCKET, "processor"),
    atMost: 1.15,
    because:
      "A gate is asked in a step, so that it is asked once: that is one step more, 1.7 ms of the engine. Five reports instead of three reach the agent, each a transaction that keeps the event it tells of. Tried, and kept: half of the queries are gone.",
  },
  {
    what: "Start → waiting seen, one at a time, of by hand",
    value: job("Switchyard", "waiting"),
    over: job(SOCKET, "waiting"),
    atMost: 1.15,
    because:
      "Each change is on disk before anybody hears of it: the start, the gate, and what is told of them. By hand nothing is kept but the row of the SDK.",
  },
  {
    what: "Approve → completion seen, one at a time, of by hand",
    value: job("Switchyard", "completion"),
    over: job(SOCKET, "completion"),
    atMost: 1.1,
    because: "As above: the decision is committed before the engine is told, the end before it is shown.",
  },
  {
    what: "Latency of a live event, one reader, of by hand over a WebSocket",
    value: live("Switchyard", "latency"),
    over: live(SOCKET, "latency"),
    atMost: 1.5,
    because:
      "An event is in the journal, on disk, before it is told, and then passes a Worker, which the Agent can sleep behind. By hand nothing is kept, and the Agent is the end of the socket.",
  },
  {
    what: "100 readers × 200 events, events a second, of by hand over WebSockets",
    value: fanOut("Switchyard, instance", "rate"),
    over: fanOut(SOCKET, "rate"),
    atLeast: 0.6,
    because:
      "Each event is read and written as a frame for each reader, in the Worker that holds the stream.",
  },
  {
    what: "The same, of responses streamed from the Agent",
    value: fanOut("Switchyard, instance", "rate"),
    over: fanOut(DIRECT, "rate"),
    atLeast: 1.5,
    because:
      "A response from the Agent itself is one write for each reader; here it is a message of a socket, then the write. That is the price of an Agent that sleeps.",
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
    because:
      "The SDK reads 10,000 small rows in few milliseconds. What is left of ours does not grow: at 100,000 it is a small part of what the SDK takes.",
  },
  {
    what: "An open stream, memory",
    value: streams("Switchyard, 500", "memory"),
    atMost: 64,
    unit: "KiB",
    because:
      "workerd itself has some 58 KiB resident for any response that is open, and 86 for a socket to an Agent behind it. The heap of a stream is 15 KiB, which is what the platform's 128 MB count.",
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
    because:
      "A heartbeat passes the outlet of the stream, which knows whether its reader still reads; it is half a percent of a processor.",
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
    because:
      "Schemas of zod are most of it. Tried, and kept: those of operations, routes, validators and the tRPC router are made for the first request that needs them.",
  },
];
