import type { TRPCClient } from "@trpc/client";
import type { AppRouter } from "../../src/gateway";
import type { TypedGateway } from "../../src/gateway/registry/wire";
import type { orderDesk as sampleDesk, plain, returns } from "../operations/sample";
import type { PROCEDURES } from "../trpc/sample-procedures";
import type { App } from "./client.test-d";
import type { Equal, Expect } from "./equal";

declare const client: TRPCClient<AppRouter<App>>;

const { orderDesk, depot } = client;
type Refund = Awaited<ReturnType<typeof orderDesk.refund.start.mutate>>;
type Complete = Extract<Refund, { status: "complete" }>;

/** Outputs and progress are those of the contract, as JSON leaves them. */
export type Typed = [
  Expect<Equal<Complete["output"], { refundId: string; paidAt: string }>>,
  Expect<Equal<Refund["progress"], { stage: "approve" | "pay" } | null>>,
  Expect<Equal<Refund["workflow"], "refund">>,
  Expect<Equal<keyof typeof depot & ("sub" | "methods" | "getState" | "listChildren"), never>>,
  Expect<Equal<Extract<keyof typeof orderDesk, "create">, never>>,
  Expect<Equal<Extract<keyof typeof orderDesk.sub.shipment, "create">, "create">>,
];

export async function right(): Promise<unknown> {
  await client.gateway.getHealth.query();
  await client.gateway.listAudit.query({ limit: 5 });
  const { key } = await client.gateway.createKey.mutate({
    name: "ci",
    scopes: ["instances:read"],
    agents: ["/agents/order-desk/**"],
  });
  await client.gateway.createWebhookEndpoint.mutate({
    url: "https://hooks.example.com",
    eventTypes: ["approval.requested"],
    idempotencyKey: key,
  });
  const name = "berlin";
  const job = await orderDesk.refund.start.mutate({
    name,
    params: { orderId: "o-1" },
    id: "r-1",
    metadata: { urgent: true },
    idempotencyKey: "once",
  });
  await orderDesk.sub.shipment.ship.start.mutate({ name: ["berlin", "s-1"], params: { to: "Rome" } });
  await orderDesk.refund.startBatch.mutate({ name: ["berlin"], items: [{ params: { orderId: "o-2" } }] });
  await orderDesk.sendInstanceEvent.mutate({
    name,
    instanceId: job.id,
    type: "customer-replied",
    payload: { message: "hello" },
  });
  await orderDesk.approveApproval.mutate({ name, approvalId: "apr_1", metadata: { note: "fine" } });
  const { history } = await orderDesk.getApproval.query({ name: "berlin", approvalId: "apr_1" });
  const [happened] = history;
  if (happened?.type === "voted") return happened.principal;
  const link = { name: "berlin", approvalId: "apr_1", for: "Ada", decisions: ["approve" as const] };
  const { url } = await orderDesk.createApprovalLink.mutate(link);
  await orderDesk.listApprovals.query({ name: "berlin", workflow: "ship", requestedFrom: url });
  await depot.listAudit.query({ name: "d-1" });
  const { state: found } = await orderDesk.getState.query({ name: "berlin" });
  if (found === null) return job.startedBy;
  const { price, at } = await orderDesk.methods.quote.mutate({ name, input: { orderId: "o-1" } });
  const { state } = await orderDesk.replaceState.mutate({ name, state: { open: true }, ifMatch: "*" });
  const limit: number = state.limit;
  const text: string = at;
  const { items } = await orderDesk.listInstances.query({
    name,
    status: ["complete"],
    metadata: { n: 1 },
    count: true,
  });
  const [first] = items;
  if (first?.workflow === "ship" && first.status === "complete") return first.output.parcel;
  orderDesk.streamInstanceEvents.subscribe(
    { name, instanceId: job.id, type: ["instance.progress"] },
    {
      onData: ({ id, data }) => {
        const cursor: string = id;
        if (data.type === "instance.progress" && data.workflow === "refund")
          return [cursor, data.data.progress.stage];
        if (data.type === "stream.gap") return [];
        return undefined;
      },
      onError: ({ data }) => data?.problem.code === "instance_not_found",
    },
  );
  return [price, limit, text];
}

export async function wrong(): Promise<void> {
  const name = "berlin";
  // @ts-expect-error no such agent
  await client.desk.get.query({ name });
  // @ts-expect-error a sub-agent is no root agent
  await client.shipment.get.query({ name });
  // @ts-expect-error an agent has a name
  await orderDesk.get.query();
  // @ts-expect-error a sub-agent is named with all above it
  await orderDesk.sub.shipment.get.query({ name });
  // @ts-expect-error no such workflow
  await orderDesk.refunds.start.mutate({ name, params: {} });
  // @ts-expect-error a depot does not refund
  await depot.refund.start.mutate({ name, params: { orderId: "o-1" } });
  // @ts-expect-error `orderId` is text
  await orderDesk.refund.start.mutate({ name, params: { orderId: 1 } });
  // @ts-expect-error `orderId` is missing
  await orderDesk.refund.start.mutate({ name, params: {} });
  // @ts-expect-error metadata are strings, numbers and booleans
  await orderDesk.refund.start.mutate({ name, params: { orderId: "o-1" }, metadata: { deep: {} } });
  // @ts-expect-error no such event
  await orderDesk.sendInstanceEvent.mutate({ name, instanceId: "r-1", type: "left", payload: {} });
  // @ts-expect-error the payload has a message
  const sent: Parameters<typeof orderDesk.sendInstanceEvent.mutate>[0]["payload"] = {};
  const event = { name, instanceId: "r-1", type: "customer-replied", payload: sent } as const;
  await orderDesk.sendInstanceEvent.mutate(event);
  // @ts-expect-error a depot has no state
  await depot.getState.query({ name });
  // @ts-expect-error a depot has no sub-agents
  await depot.sub.shipment.get.query({ name: ["a", "b"] });
  // @ts-expect-error no such method
  await orderDesk.methods.price.mutate({ name, input: {} });
  // @ts-expect-error the method takes an `orderId`
  await orderDesk.methods.quote.mutate({ name, input: { order: "o-1" } });
  // @ts-expect-error `open` is a boolean
  await orderDesk.replaceState.mutate({ name, state: { open: "yes" } });
  // @ts-expect-error no such status
  await orderDesk.listInstances.query({ name, status: ["done"] });
  // @ts-expect-error no such workflow below
  await orderDesk.listApprovals.query({ name, workflow: "refunds" });
  // @ts-expect-error a link is for somebody
  await orderDesk.createApprovalLink.mutate({ name, approvalId: "apr_1" });
  // @ts-expect-error no such type of events
  await client.gateway.createWebhookEndpoint.mutate({ url: "https://x.example", eventTypes: ["left"] });
  // @ts-expect-error callbacks are signed, and no procedure
  await client.gateway.receiveApprovalCallback.mutate({});
  // @ts-expect-error a state may be missing
  String((await orderDesk.getState.query({ name })).state.limit);
  // @ts-expect-error no such workflow below
  await orderDesk.listInstances.query({ name, workflow: "refunds" });
  // @ts-expect-error a start is no query
  await orderDesk.refund.start.query({ name, params: { orderId: "o-1" } });
}

type SampleRecord = AppRouter<
  TypedGateway<readonly [typeof sampleDesk, typeof returns, typeof plain]>
>["_def"]["record"];
/** Every procedure of a record, with its kind. */
type ProceduresOf<Shape, Way extends string = ""> = {
  [Key in keyof Shape & string]: Shape[Key] extends { _def: { type: infer Kind extends string } }
    ? `${Kind} ${Way}${Key}`
    : ProceduresOf<Shape[Key], `${Way}${Key}.`>;
}[keyof Shape & string];

/** The type of the router has the procedures that the router has as it runs, which a test compares with the same list. */
export type SameProcedures = Expect<Equal<ProceduresOf<SampleRecord>, (typeof PROCEDURES)[number]>>;
