import type { AgentWorkflowEvent, AgentWorkflowStep } from "agents/workflows";
import { z } from "zod";
import * as mini from "zod/mini";
import {
  type ApprovalOf,
  defineWorkflow,
  type EventsOf,
  GatewayWorkflow,
  type OutputOf,
  type ParamsOf,
  type ProgressOf,
} from "../../src/gateway";
import type { Equal, Expect } from "./equal";

const refund = defineWorkflow({
  name: "refund",
  binding: "REFUND",
  params: z.object({ orderId: z.string(), amount: z.number().default(1) }),
  progress: z.object({ stage: z.enum(["validate", "pay"]), percent: z.number() }),
  output: z.object({ refundId: z.string(), paidAt: z.string().transform((text) => new Date(text)) }),
  approval: z.object({ note: z.string().optional() }),
  events: { "customer-replied": z.object({ message: z.string() }), cancelled: z.null() },
});

const plain = defineWorkflow({ name: "plain", binding: "PLAIN", params: z.object({}), output: z.null() });

/** What is inferred from a contract: of params what the class receives, of the output what it returns. */
export type Inferred = [
  Expect<Equal<typeof refund.name, "refund">>,
  Expect<Equal<ParamsOf<typeof refund>, { orderId: string; amount: number }>>,
  Expect<Equal<ProgressOf<typeof refund>, { stage: "validate" | "pay"; percent: number }>>,
  Expect<Equal<OutputOf<typeof refund>, { refundId: string; paidAt: string }>>,
  Expect<Equal<ApprovalOf<typeof refund>, { note?: string | undefined }>>,
  Expect<Equal<EventsOf<typeof refund>, { "customer-replied": { message: string }; cancelled: null }>>,
];

/** What stands in where a contract leaves something out. */
export type LeftOut = [
  Expect<Equal<ApprovalOf<typeof plain>, undefined>>,
  Expect<Equal<keyof EventsOf<typeof plain>, never>>,
  Expect<Equal<ProgressOf<typeof plain>["percent"], number | undefined>>,
  Expect<Equal<ProgressOf<typeof plain>["status"], "pending" | "running" | "complete" | "error" | undefined>>,
];

type RefundEvent = AgentWorkflowEvent<ParamsOf<typeof refund>>;

export class RefundWorkflow extends GatewayWorkflow<typeof refund> {
  async run({ payload }: RefundEvent, step: AgentWorkflowStep) {
    await this.reportProgress({ stage: "validate", percent: 0.1 });
    // @ts-expect-error `stage` is one of two words
    await this.reportProgress({ stage: "ship", percent: 0.1 });
    // @ts-expect-error `percent` is missing
    await this.reportProgress({ stage: "pay" });
    // @ts-expect-error `percent` is a number
    await this.reportProgress({ stage: "pay", percent: "half" });
    // @ts-expect-error the contract has no `message`
    await this.reportProgress({ stage: "pay", percent: 1, message: "paid" });

    const total: number = payload.amount;
    // @ts-expect-error `orderId` is text
    const order: number = payload.orderId;
    // @ts-expect-error the contract has no `orderID`
    const other: string = payload.orderID;

    const approval = await this.waitForApproval(step, {
      stepName: "manager",
      timeout: "3 days",
      summary: "Pay?",
      details: { total },
      approvers: { scopes: ["finance"], principals: ["ada", "bob"] },
      selfApproval: false,
      required: 2,
    });
    const note: string | undefined = approval.note;
    // @ts-expect-error an approver sends no `comment`
    const comment: string = approval.comment;
    // @ts-expect-error a gate has a summary, not a title
    await this.waitForApproval(step, { title: "Pay?" });
    // @ts-expect-error approvers are named by scopes and principals
    await this.waitForApproval(step, { approvers: ["ada"] });

    const id: string = this.instanceId;
    return { refundId: [id, order, other, note, comment].join("-"), paidAt: "2026-04-01T12:00:00Z" };
  }
}

export class ReturnsTooLittle extends GatewayWorkflow<typeof refund> {
  // @ts-expect-error the output has no `paidAt`
  async run() {
    return { refundId: "x" };
  }
}

export class ReturnsWhatItsSchemaGives extends GatewayWorkflow<typeof refund> {
  // @ts-expect-error `paidAt` is a text before it is read: the output is what crosses to the gateway
  async run() {
    return { refundId: "x", paidAt: new Date(0) };
  }
}

export class TakesOtherParams extends GatewayWorkflow<typeof refund> {
  // @ts-expect-error the params have no `shipmentId`
  async run(_event: AgentWorkflowEvent<{ shipmentId: string }>) {
    return { refundId: "x", paidAt: "" };
  }
}

// @ts-expect-error a workflow has a `run`
export class HasNoRun extends GatewayWorkflow<typeof refund> {}

export class PlainWorkflow extends GatewayWorkflow<typeof plain> {
  async run(_event: AgentWorkflowEvent<ParamsOf<typeof plain>>, step: AgentWorkflowStep) {
    await this.reportProgress({ step: "load", status: "running", message: "…", percent: 0.5 });
    // @ts-expect-error `status` is one of four words
    await this.reportProgress({ status: "asleep" });
    const nothing: undefined = await this.waitForApproval(step);
    return nothing ?? null;
  }
}

export const badParams = () =>
  defineWorkflow({
    name: "bad",
    binding: "BAD",
    // @ts-expect-error params are an object
    params: z.string(),
    output: z.null(),
  });

export const outputOfMini = () =>
  defineWorkflow({
    name: "bad",
    binding: "BAD",
    params: z.object({}),
    // @ts-expect-error schemas of zod/mini lack what the gateway calls
    output: mini.object({}),
  });

export const progressOfNoSchema = () =>
  defineWorkflow({
    name: "bad",
    binding: "BAD",
    params: z.object({}),
    // @ts-expect-error progress is a schema
    progress: { parse: (value: unknown) => value },
    output: z.null(),
  });

export const eventOfNoSchema = () =>
  defineWorkflow({
    name: "bad",
    binding: "BAD",
    params: z.object({}),
    output: z.null(),
    // @ts-expect-error the payload of an event is a schema
    events: { arrived: "text" },
  });

// @ts-expect-error a contract says what comes out
export const noOutput = () => defineWorkflow({ name: "bad", binding: "BAD", params: z.object({}) });

const delivery = defineWorkflow({
  name: "delivery",
  binding: "DELIVERY",
  params: z.object({}),
  output: z.object({ parcel: z.string() }),
  events: { arrived: z.object({ parcel: z.string() }), weighed: z.coerce.number() },
});

/** Events are waited for by their declared type, and have the payload of that type. */
export class DeliveryWorkflow extends GatewayWorkflow<typeof delivery> {
  async run(_: AgentWorkflowEvent<ParamsOf<typeof delivery>>, step: AgentWorkflowStep) {
    const { parcel } = await this.waitForEvent(step, "arrived", { timeout: "1 hour" });
    const weight: number = await this.waitForEvent(step, "weighed");
    // @ts-expect-error no such event is declared
    await this.waitForEvent(step, "lost");
    // @ts-expect-error the payload has no `weight`
    const { weight: none } = await this.waitForEvent(step, "arrived");
    return { parcel: `${parcel} ${weight} ${String(none)}` };
  }
}
