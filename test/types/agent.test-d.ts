import { Agent } from "agents";
import { z } from "zod";
import {
  createGateway,
  defineAgent,
  defineWorkflow,
  GatewayWorkflow,
  type GatewayMembers,
  withGateway,
} from "../../src/gateway";
import type { Equal, Expect } from "./equal";

interface OrderDeskState {
  readonly open: boolean;
  readonly orders: number;
}
interface OrderDeskEnv extends Cloudflare.Env {
  readonly CURRENCY: "EUR";
}

const refund = defineWorkflow({ name: "refund", binding: "REFUND", params: z.object({}), output: z.null() });
const payout = defineWorkflow({
  name: "payout",
  binding: "PAYOUT",
  params: z.object({ cents: z.int(), on: z.coerce.date() }),
  progress: z.object({ percent: z.number() }),
  output: z.object({ paid: z.boolean() }),
});

export class OrderDesk extends withGateway(Agent)<OrderDeskEnv, OrderDeskState> {
  override initialState: OrderDeskState = { open: true, orders: 0 };

  quote({ orderId }: { orderId: string; amount?: number | undefined }): { price: number; currency: "EUR" } {
    return { price: orderId.length + this.state.orders, currency: this.env.CURRENCY };
  }
  async count(): Promise<number> {
    this.setState({ ...this.state, orders: this.state.orders + 1 });
    // @ts-expect-error `orders` is a number
    this.setState({ open: true, orders: "many" });
    // @ts-expect-error the state has no `closed`
    return this.state.closed;
  }
  readonly limit = 5;
}

/** A workflow is started and read by its contract, on the Agent too. */
export class PayDesk extends withGateway(Agent) {
  async pay(): Promise<boolean> {
    const id: string = await this.startWorkflow(
      payout,
      { cents: 5, on: "2026-01-01" },
      { metadata: { urgent: true } },
    );
    // @ts-expect-error `cents` is a number
    await this.startWorkflow(payout, { cents: "5", on: "2026-01-01" });
    // @ts-expect-error metadata are strings, numbers and booleans
    await this.startWorkflow(payout, { cents: 5, on: "2026-01-01" }, { metadata: { deep: {} } });
    const instance = await this.getInstance(payout, id);
    const percent: number | undefined = instance.progress?.percent;
    // @ts-expect-error only a complete instance has an output
    const early: boolean = instance.output.paid;
    return instance.status === "complete" ? instance.output.paid : early && percent === 1;
  }
}

/** `withGateway` keeps what the SDK types, and adds only its own members. */
export type Kept = [
  Expect<Equal<OrderDesk["state"], OrderDeskState>>,
  Expect<Equal<OrderDesk extends Agent<OrderDeskEnv, OrderDeskState> ? true : false, true>>,
  Expect<Equal<OrderDesk extends GatewayMembers ? true : false, true>>,
];

export class Counter extends Agent<Cloudflare.Env, { readonly n: number }> {
  increment(by: number): number {
    return this.state.n + by;
  }
}
/** A class that has grown already can be taken as it is, with its methods and its state. */
export class GatewayCounter extends withGateway(Counter) {
  twice(): number {
    return this.increment(2 * this.state.n);
  }
}

export class Cashier extends Agent<OrderDeskEnv> {
  static readonly tills = 2;
  readonly price = (cents: number): string => `${cents} ${this.env.CURRENCY}`;
}
/** Also one whose environment has more than the generated one; what is static stays there. */
export class GatewayCashier extends withGateway(Cashier) {
  total(): string {
    return this.price(100 * GatewayCashier.tills);
  }
}
export type KeptOfGrown = [
  Expect<Equal<GatewayCounter["state"], { readonly n: number }>>,
  Expect<Equal<GatewayCounter["increment"], (by: number) => number>>,
];

// @ts-expect-error only a class of Agents can be served
export const noAgent = withGateway(Map);

const Quote = z.object({ price: z.number(), currency: z.string() });

export const orderDesk = defineAgent({
  name: "order-desk",
  binding: "OrderDesk",
  agent: OrderDesk,
  workflows: [refund],
  methods: {
    quote: { input: z.strictObject({ orderId: z.string(), amount: z.number().optional() }), output: Quote },
    count: { input: z.strictObject({}), output: z.number() },
  },
});

/** A definition keeps its names, so that doors and clients can be typed by them. */
export type Named = [
  Expect<Equal<typeof orderDesk.name, "order-desk">>,
  Expect<Equal<keyof typeof orderDesk.methods, "quote" | "count">>,
  Expect<Equal<(typeof orderDesk.workflows)[0]["name"], "refund">>,
];

export const missingMethod = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error the class has no such method
      cancel: { input: z.object({}), output: z.null() },
    },
  });

export const noMethodAtAll = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error `limit` is no method
      limit: { input: z.object({}), output: z.number() },
    },
  });

export const wrongInput = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error the method takes an `orderId` that is text
      quote: { input: z.object({ orderId: z.number() }), output: Quote },
    },
  });

export const missingInput = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error the method needs an `orderId`
      quote: { input: z.object({ amount: z.number() }), output: Quote },
    },
  });

export const wrongOutput = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error the method returns no `total`
      quote: { input: z.object({ orderId: z.string() }), output: z.object({ total: z.number() }) },
    },
  });

export const wrongOutputOfPromise = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      // @ts-expect-error the method resolves with a number
      count: { input: z.object({}), output: z.string() },
    },
  });

// What a transform of the schema does counts: the method gives what the schema takes, and takes what it gives.
export const transformed = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    methods: {
      quote: {
        input: z.number().transform((orderId) => ({ orderId: String(orderId) })),
        output: Quote.transform(({ price }) => price),
      },
    },
  });

export const noClass = () =>
  defineAgent({
    name: "order-desk",
    // @ts-expect-error an agent is a class
    agent: { quote: () => 1 },
  });

export const workflowWithoutContract = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    // @ts-expect-error a workflow is known by what defineWorkflow makes
    workflows: [{ name: "refund", binding: "REFUND", params: z.object({}), output: z.null() }],
  });

export const stateOfNoSchema = () =>
  defineAgent({
    name: "order-desk",
    agent: OrderDesk,
    // @ts-expect-error the state is a schema
    state: { orders: 0 },
  });

export const gateway = () => createGateway({ agents: [orderDesk] });

// @ts-expect-error a gateway serves definitions, not classes
export const gatewayOfClasses = () => createGateway({ agents: [OrderDesk] });

export class RefundWorkflow extends GatewayWorkflow<typeof refund, OrderDesk> {
  async run() {
    const { price } = await this.agent.quote({ orderId: "o-1" });
    const cents: number = price * 100;
    // @ts-expect-error the agent of the workflow has no `cancel`
    await this.agent.cancel(cents);
    return null;
  }
}

// @ts-expect-error the agent of a workflow is one that was made with withGateway()
export abstract class OfStockAgent extends GatewayWorkflow<typeof refund, Counter> {}
