import { z } from "zod";
import { type AgentDefinition, defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";

export const refund = defineWorkflow({
  name: "refund-order",
  binding: "REFUND",
  description: "Pay an order back",
  params: z.object({ orderId: z.string(), amount: z.number().positive() }),
  progress: z.object({ percent: z.number() }),
  approval: z.object({ note: z.string() }),
  output: z.object({ refundId: z.string() }),
  events: { "customer-replied": z.object({ message: z.string() }) },
  labels: ["owner", "n"],
});
export const ship = defineWorkflow({
  name: "ship",
  binding: "SHIP",
  params: z.object({ orderId: z.string() }),
  output: z.object({}),
});

class OrderDesk {
  quote({ orderId }: { orderId: string }): { price: number } {
    return { price: orderId.length };
  }
  openOrder(): string {
    return "o-1";
  }
}
class Shipment {
  readonly kind = "Shipment";
}
class Returns {
  readonly kind = "Returns";
}
class Plain {
  readonly kind = "Plain";
}

/** Under two parents: reached in two ways. */
export const shipment = defineAgent({ name: "shipment", agent: Shipment, workflows: [ship] });
export const orderDesk = defineAgent({
  name: "order-desk",
  description: "Orders of one shop",
  binding: "OrderDesk",
  agent: OrderDesk,
  state: z.object({ open: z.boolean() }),
  workflows: [refund, ship],
  children: [shipment],
  methods: {
    quote: {
      description: "Say the price",
      input: z.strictObject({ orderId: z.string() }),
      output: z.object({ price: z.number() }),
    },
    openOrder: { input: z.strictObject({}), output: z.string(), creates: true },
  },
});
export const returns = defineAgent({
  name: "returns",
  binding: "Returns",
  agent: Returns,
  children: [shipment],
});
/** An agent that does nothing that the gateway could show. */
export const plain = defineAgent({ name: "plain", binding: "Plain", agent: Plain });

/** The roots of a gateway that has everything that operations can be about. */
export const roots: readonly AgentDefinition[] = [orderDesk, returns, plain];
