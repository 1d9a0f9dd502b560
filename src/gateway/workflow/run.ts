import type { AgentWorkflowStep } from "agents/workflows";
import type { GatewayParam } from "../agent/reports";
import type { ReportKeys } from "./report-keys";

/** What one run knows of itself. */
export interface Run {
  readonly engineId: string;
  readonly gateway: GatewayParam;
  /** Whether it was begun before there was a gateway. */
  readonly adopted: boolean;
  readonly keys: ReportKeys;
  /** The engine's own wait, without the report that it begins. */
  readonly waitForEvent: AgentWorkflowStep["waitForEvent"];
  /** Reports that nobody waits for; all are through before the run ends. */
  readonly background: Promise<void>[];
  entered: boolean;
  /** Set by `step.reportComplete`: the output, if `run` itself returns none. */
  reported: unknown;
  /** Whether `step.reportError` has told the author. */
  announced: boolean;
  over: boolean;
}
