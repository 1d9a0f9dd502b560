import type { GateTerms } from "../contract/approval";
import type { InstanceError } from "../contract/instance";
import type { AgentStep } from "../contract/names";
import type { Wait } from "./waits";

/** What a running workflow tells its agent. A report with a key counts once in an attempt, however often it comes. */
export type Report =
  | { readonly type: "started" }
  | { readonly type: "progress"; readonly key: string; readonly progress: unknown }
  | { readonly type: "message"; readonly key: string; readonly message: unknown }
  | { readonly type: "event"; readonly key: string; readonly event: unknown }
  | { readonly type: "error"; readonly message: string }
  | { readonly type: "wait-began"; readonly wait: Wait }
  | { readonly type: "wait-ended"; readonly key: string }
  | { readonly type: "gate-opened"; readonly gate: GateReport }
  | { readonly type: "gate-passed"; readonly approvalId: string; readonly decision: DecisionPayload }
  | { readonly type: "gate-timed-out"; readonly approvalId: string }
  | { readonly type: "completed"; readonly output: unknown }
  | { readonly type: "failed"; readonly error: InstanceError; readonly announced: boolean };

/** The question of a gate, as its workflow puts it. */
export interface GateReport {
  readonly stepName: string;
  readonly occurrence: number;
  readonly summary: string | null;
  readonly details: unknown;
  readonly timeoutMs: number;
  readonly terms: GateTerms;
  /** The type under which the SDK's own class would wait. */
  readonly sdkEventType: string;
}

/** How an opened gate is waited for. */
export interface OpenedGate {
  readonly approvalId: string;
  readonly eventType: string;
}

/** How the engine waited at a gate that the run had passed before there was a gateway: nobody is asked. */
export interface PassedGate {
  readonly passed: true;
  readonly eventType: string;
}

/** What an instance is called by its agent. */
export interface Identity {
  readonly id: string;
  /** Public name of its workflow. */
  readonly workflow: string;
}

/** The decision as the engine's event carries it, in the shape that `waitForApproval` of the SDK reads. */
export interface DecisionPayload {
  readonly approved: boolean;
  readonly reason: string | undefined;
  readonly metadata: unknown;
}

/**
 * By what an instance knows whose it is. It stands in the SDK's parameter `__agentOrigin`, which the SDK takes away before an
 * author's class sees the parameters, be it the gateway's or the SDK's own.
 */
export const GATEWAY_PARAM = "gateway";

/** Whose an instance is, and the way to its agent. */
export interface GatewayParam extends Identity {
  readonly root: { readonly binding: string; readonly name: string };
  /** The way from the root agent down. */
  readonly below: readonly AgentStep[];
}
