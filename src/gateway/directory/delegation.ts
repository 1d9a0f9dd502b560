import type { Actor } from "../contract/audit";
import { ProblemError } from "../contract/problem";
import type { EndpointSettings } from "../contract/webhook";
import { type EndpointRow, makerOf, type MakerOfEndpoint } from "./endpoints";

/** What an endpoint hears, and where: who changes that stands for the links that it is sent. */
const REACH = ["url", "eventTypes", "agents", "workflows", "approvalLinks"];

/** @throws ProblemError `forbidden` if links would go, or go elsewhere, without the right of whoever changes that. */
export function makerAfter(
  row: EndpointRow,
  changed: readonly string[],
  { approvalLinks }: EndpointSettings,
  actor: Actor,
): MakerOfEndpoint {
  const maker = makerOf(row);
  const isLinked = maker.isLinked || approvalLinks !== null;
  const isNoMore = approvalLinks === null && changed.every((field) => field === "approvalLinks");
  if (!isLinked || isNoMore || !changed.some((field) => REACH.includes(field))) return { ...maker, isLinked };
  requireDelegation(actor);
  return { ...maker, ...rightsOf(actor), isLinked };
}

/** Who may not decide can have no links sent that do. @throws ProblemError `forbidden` */
export function requireDelegation({ scopes }: Actor): void {
  if (scopes === "all") return;
  const missing = (["approvals:delegate", "approvals:decide"] as const).find(
    (scope) => !scopes.includes(scope),
  );
  if (missing !== undefined)
    throw new ProblemError("forbidden", {
      detail: `The endpoint is sent links that decide: that needs ${missing}.`,
    });
}

/** What is kept of who somebody is. */
export function rightsOf({ name, scopes }: Actor): Pick<Actor, "name" | "scopes"> {
  return { name, scopes };
}
