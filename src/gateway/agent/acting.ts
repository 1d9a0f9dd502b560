import { AsyncLocalStorage } from "node:async_hooks";
import type { Actor } from "../contract/audit";

const acting = new AsyncLocalStorage<Actor>();

/** Who acts where no door was passed: the agent's own code. */
const OWN_CODE: Actor = { name: "agent", door: "agent", scopes: "all", address: null, requestId: null };

/** Does something for somebody: all of it, down to sub-agents, is done in that name. */
export function actingFor<Result>(actor: Actor, work: () => Result): Result {
  return acting.run(actor, work);
}

/** Does what nobody asked for just now, as when an agent wakes: the agent's own code does it. */
export function actingAsAgent<Result>(work: () => Result): Result {
  return acting.run(OWN_CODE, work);
}

/** In whose name something is done just now. */
export function currentActor(): Actor {
  return acting.getStore() ?? OWN_CODE;
}
