import type { Actor } from "../contract/audit";
import type { AgentStep } from "../contract/names";
import type { AgentPort } from "../port";
import type { Outcome } from "../durable/outcome";
import type { Report } from "./reports";
import type { SubtreeCalls } from "./subtree";
import type { Rise } from "./upward";

/** What one agent is asked: by doors, and by the agents above it. */
export type AgentMethod = keyof AgentPort | keyof SubtreeCalls;

/** What the gateway calls on an Agent, and nothing else. `rest` is the way from there down to the agent that is meant. */
export interface GatewayStub {
  gatewayCall(
    rest: readonly AgentStep[],
    method: AgentMethod,
    input: unknown,
    actor: Actor,
  ): Promise<Outcome>;
  gatewayReport(rest: readonly AgentStep[], engineId: string, report: Report): Promise<Outcome>;
  /** Takes what happened in a sub-agent of the agent that is meant. */
  gatewayRise(rest: readonly AgentStep[], child: AgentStep, rise: Rise): Promise<Outcome>;
  /** Ends a sub-agent before it is deleted; its value is how far that has come. */
  gatewayDissolve(): Promise<Outcome>;
}

/** The stub of a root agent. One round trip: the Agent initialises itself on the first call. */
export function rootStub(env: object, binding: string, name: string): GatewayStub & Pick<Fetcher, "fetch"> {
  const namespace: unknown = Reflect.get(env, binding);
  if (!isNamespace(namespace)) throw new Error(`The environment has no Durable Object binding ${binding}`);
  // The binding is untyped here; that its class was made with withGateway() is checked when the gateway starts.
  return namespace.get(namespace.idFromName(name)) as unknown as GatewayStub & Pick<Fetcher, "fetch">;
}

/** @returns whether a value of the environment is a Durable Object namespace. */
export function isNamespace(candidate: unknown): candidate is DurableObjectNamespace {
  return typeof candidate === "object" && candidate !== null && "idFromName" in candidate;
}
