import type { InstanceError } from "../contract/instance";
import type { AgentPath } from "../contract/names";
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
}

/** How an opened gate is waited for. */
export interface OpenedGate {
  readonly approvalId: string;
  readonly eventType: string;
}

/** The decision as the engine's event carries it, in the shape that `waitForApproval` of the SDK reads. */
export interface DecisionPayload {
  readonly approved: boolean;
  readonly reason: string | undefined;
  readonly metadata: unknown;
}

/** The key of the parameter by which an instance knows whose it is. Never shown to anybody. */
export const GATEWAY_PARAM = "__gateway";

/** Whose an instance is: its public id, and the way to its agent. */
export interface GatewayParam {
  readonly id: string;
  readonly rootBinding: string;
  readonly path: AgentPath;
}
