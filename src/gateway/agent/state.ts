import { createHash } from "node:crypto";
import { placesOf, ProblemError } from "../contract/problem";
import type { AgentPort, StateView } from "../port";
import { stateChangeOf } from "./deeds";
import { json } from "./ledger";
import type { ServiceContext } from "./service-context";

type ChangeInput = Parameters<AgentPort["changeState"]>[0];

/** Reads the state with the tag that changes with it. */
export function viewState({ host }: ServiceContext): StateView {
  const state = host.state() ?? null;
  return { state, etag: tagOf(state) };
}

/**
 * Changes the state, if it still has the tag that it was read with.
 *
 * @throws ProblemError `precondition_failed` if it has not, `invalid_request` if the new state does not match its schema.
 */
export function changeState(
  context: ServiceContext,
  { change, ifMatch = "*", once }: ChangeInput,
): StateView {
  const { records, host } = context;
  const next = (now: number): StateView => {
    const before = viewState(context);
    if (ifMatch !== "*" && ifMatch !== before.etag) throw new ProblemError("precondition_failed");
    const state = checkedState(
      context,
      change.kind === "reset" ? host.initialState() : nextState(before.state, change),
    );
    const etag = tagOf(state);
    records.note(stateChangeOf(change, etag, records.agent), now);
    return { state, etag };
  };
  return records.changeOnce(once, next, ({ state }) => host.setState(state));
}

function nextState(state: unknown, change: Exclude<ChangeInput["change"], { kind: "reset" }>): unknown {
  return change.kind === "replace" ? change.state : { ...(state as object | null), ...change.patch };
}

function checkedState({ host }: ServiceContext, state: unknown): unknown {
  const checked = host.definition.state?.safeParse(state);
  if (checked === undefined || checked.success) return checked === undefined ? state : checked.data;
  throw new ProblemError("invalid_request", {
    detail: "The state would not match its schema.",
    errors: placesOf(checked.error, "body"),
  });
}

/** The entity tag of a state. */
export function tagOf(state: unknown): string {
  return `"${createHash("sha256").update(json(state)).digest("base64url").slice(0, 22)}"`;
}
