import { z } from "zod";
import { createClient } from "../../src/client";
import { createGateway, defineAgent, defineWorkflow } from "../../src/gateway";
import type { Equal, Expect } from "./equal";

const refund = defineWorkflow({
  name: "refund",
  binding: "REFUND",
  params: z.object({ orderId: z.string(), amount: z.number().default(1) }),
  progress: z.object({ stage: z.enum(["approve", "pay"]) }),
  approval: z.object({ note: z.string() }),
  output: z.object({ refundId: z.string(), paidAt: z.date() }),
  events: { "customer-replied": z.object({ message: z.string() }) },
});
const ship = defineWorkflow({
  name: "ship",
  binding: "SHIP",
  params: z.object({ to: z.string() }),
  output: z.object({ parcel: z.string() }),
});

class OrderDesk {
  quote({ orderId }: { orderId: string }): { price: number; at: string } {
    return { price: orderId.length, at: "now" };
  }
}
class Shipment {
  readonly kind = "Shipment";
}
class Depot {
  readonly kind = "Depot";
}
export const shipment = defineAgent({ name: "shipment", agent: Shipment, workflows: [ship] });
export const orderDesk = defineAgent({
  name: "order-desk",
  binding: "OrderDesk",
  agent: OrderDesk,
  state: z.object({ open: z.boolean(), limit: z.number().default(5) }),
  workflows: [refund, ship],
  children: [shipment],
  methods: {
    quote: {
      input: z.strictObject({ orderId: z.string() }),
      output: z.object({ price: z.number(), at: z.string().transform((text) => new Date(text)) }),
    },
  },
});
export const depot = defineAgent({ name: "depot", binding: "Depot", agent: Depot, workflows: [ship] });

const gateway = createGateway({ agents: [orderDesk, depot] });
export type App = typeof gateway;

const client = createClient<App>({ url: "https://desk.example.com", key: "a key" });
const desk = client.agent("order-desk", "berlin");
const refunds = desk.workflow("refund");
const shipments = desk.sub("shipment", "s-1").workflow("ship");

type Shown = Awaited<ReturnType<typeof refunds.start>>;
type Complete = Extract<Shown, { status: "complete" }>;
const told = refunds.events();
type Told = typeof told extends AsyncIterable<infer Event> ? Event : never;
type Happened<Type extends string> = Extract<Told, { type: Type }>;

/** Outputs, progress and events are those of the contract, as JSON leaves them. */
export type Typed = [
  Expect<Equal<Awaited<ReturnType<typeof refunds.wait>>, { refundId: string; paidAt: string }>>,
  Expect<Equal<Complete["output"], { refundId: string; paidAt: string }>>,
  Expect<Equal<Shown["progress"], { stage: "approve" | "pay" } | null>>,
  Expect<Equal<Shown["workflow"], "refund">>,
  Expect<Equal<Awaited<ReturnType<typeof shipments.wait>>, { parcel: string }>>,
  Expect<Equal<Happened<"instance.progress">["data"]["progress"], { stage: "approve" | "pay" }>>,
  Expect<Equal<Happened<"instance.completed">["data"]["output"], { refundId: string; paidAt: string }>>,
  Expect<Equal<Happened<"stream.gap">, { type: "stream.gap" }>>,
  Expect<Equal<Happened<"stream.end">, never>>,
  Expect<Equal<Happened<"step.started">, never>>,
];

export async function right(): Promise<unknown> {
  const job = await refunds.start({ orderId: "o-1" }, { id: "r-1", metadata: { urgent: true }, delay: 5 });
  await refunds.startMany([{ params: { orderId: "o-2" } }, { params: { orderId: "o-3" }, id: "r-3" }]);
  await refunds.approve("apr_1", { metadata: { note: "fine" }, reason: "because" });
  await refunds.reject("apr_1");
  await desk.workflow("ship").approve("apr_2");
  await refunds.sendEvent(job.id, "customer-replied", { message: "hello" });
  for await (const event of refunds.events({
    instance: job.id,
    include: "steps",
    types: ["instance.progress"],
  })) {
    if (event.type === "step.failed") return event.data.attempt;
    if (event.type === "instance.event") return event.data.event;
  }
  for await (const event of desk.events({ scope: "subtree", workflow: "ship" })) {
    if (event.type === "state.updated") return event.data.etag;
    if (event.type === "instance.completed" && event.workflow === "ship") return event.data.output.parcel;
  }
  for await (const instance of desk.instances.list({ status: ["complete"], scope: "subtree" })) {
    if (instance.workflow === "ship" && instance.status === "complete") return instance.output.parcel;
  }
  const { history, votes } = await desk.approvals.get("apr_1");
  for await (const { approvers } of desk.approvals.list({ workflow: "ship", requestedFrom: new Date() }))
    if (approvers.principals.length > votes.length) return history[0]?.type;
  const { price, at } = await desk.call("quote", { orderId: "o-1" });
  const { state } = await desk.state.put({ open: true });
  const limit: number = state.limit;
  const text: string = at;
  await desk.state.patch({ limit: 3 });
  return [price, limit, text];
}

export async function wrong(): Promise<void> {
  // @ts-expect-error no such agent
  client.agent("desk", "berlin");
  // @ts-expect-error a sub-agent is no root agent
  client.agent("shipment", "s-1");
  // @ts-expect-error no such sub-agent
  desk.sub("depot", "d-1");
  // @ts-expect-error a depot has no sub-agents
  client.agent("depot", "d-1").sub("shipment", "s-1");
  // @ts-expect-error no such workflow
  desk.workflow("refunds");
  // @ts-expect-error a depot does not refund
  client.agent("depot", "d-1").workflow("refund");
  // @ts-expect-error `orderId` is text
  await refunds.start({ orderId: 1 });
  // @ts-expect-error `orderId` is missing
  await refunds.start({ amount: 1 });
  // @ts-expect-error the params have no `comment`
  await refunds.start({ orderId: "o-1", comment: "x" });
  // @ts-expect-error these are the params of another workflow
  await shipments.start({ orderId: "o-1" });
  // @ts-expect-error metadata are strings, numbers and booleans
  await refunds.start({ orderId: "o-1" }, { metadata: { deep: {} } });
  // @ts-expect-error an approval of this workflow needs a note
  await refunds.approve("apr_1");
  // @ts-expect-error the note is text
  await refunds.approve("apr_1", { metadata: { note: 1 } });
  // @ts-expect-error an approver of this workflow sends nothing along
  await desk.workflow("ship").approve("apr_1", { metadata: { note: "x" } });
  // @ts-expect-error no such event
  await refunds.sendEvent("r-1", "customer-left", {});
  // @ts-expect-error the payload has a message
  await refunds.sendEvent("r-1", "customer-replied", { text: "hello" });
  // @ts-expect-error no such type of events
  refunds.events({ types: ["instance.exploded"] });
  // @ts-expect-error no such status
  refunds.list({ status: ["done"] });
  // @ts-expect-error no such workflow below
  desk.instances.list({ workflow: "refunds" });
  // @ts-expect-error no such workflow below
  desk.approvals.list({ workflow: "refunds" });
  // @ts-expect-error a state may be missing
  String((await desk.state.get()).state.limit);
  // @ts-expect-error no such method
  await desk.call("price", {});
  // @ts-expect-error the method takes an `orderId`
  await desk.call("quote", { order: "o-1" });
  // @ts-expect-error `open` is a boolean
  await desk.state.put({ open: "yes" });
  // @ts-expect-error a client is typed by a gateway
  createClient<string>({ url: "https://desk.example.com" });
}
