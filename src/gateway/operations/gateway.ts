import { z } from "zod";
import { GatewayLimits } from "../contract/limits";
import { ProblemError } from "../contract/problem";
import { operation } from "./operation";

export const getHealth = operation<undefined>()({
  id: () => "getHealth",
  summary: () => "Tell that the Worker answers",
  description:
    "Says nothing of storage, bindings or agents: for who restarts what does not answer. It needs no key.",
  scope: null,
  rest: { method: "get", path: () => "/healthz", status: 200 },
  schemas: () => ({
    output: z
      .object({ status: z.literal("ok").describe("The Worker answers") })
      .meta({ id: "Health", description: "Whether the Worker answers" }),
  }),
  problems: [],
  answer: async () => ({ status: "ok" }),
});

export const getReadiness = operation<undefined>()({
  id: () => "getReadiness",
  summary: () => "Tell that the gateway can serve: everything is bound, and its storage answers",
  description:
    "For who decides where requests are sent. Why it is not ready stands in the log alone. It needs no key.",
  scope: null,
  rest: { method: "get", path: () => "/readyz", status: 200 },
  schemas: () => ({
    output: z
      .object({ status: z.literal("ready").describe("The gateway can serve") })
      .meta({ id: "Readiness", description: "Whether the gateway can serve" }),
  }),
  problems: ["not_ready"],
  answer: async (_asked, { directory }) => {
    try {
      await directory.ping();
    } catch (failure) {
      // Anybody may ask this: why is for those who read the log.
      console.error("switchyard: the directory does not answer", failure);
      throw new ProblemError("not_ready");
    }
    return { status: "ready" };
  },
});

export const getLimits = operation<undefined>()({
  id: () => "getLimits",
  summary: () => "List the limits of the gateway",
  description:
    "Also those that its author chose, of streams and of requests. By name they stay the same; the numbers may differ from gateway to gateway.",
  scope: "agents:read",
  rest: { method: "get", path: () => "/limits", status: 200 },
  schemas: () => ({ output: GatewayLimits }),
  problems: [],
  answer: async (_asked, { limits }): Promise<GatewayLimits> => ({ limits: [...limits] }),
});
