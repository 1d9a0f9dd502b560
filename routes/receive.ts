import type { Context } from "hono";
import type { Principal } from "../src/gateway/auth/principal";
import type { Door } from "../src/gateway/contract/audit";
import type { Asked, OperationSchemas, Reach } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import type { Registry } from "../src/gateway/registry/registry";
import { callerOf, takesKey, targetOf, toCall } from "./asking";
import type { GatewayEnv } from "./gateway-env";
import { namesIn, readInput } from "./input";
import { requireReach, requireScope } from "./middleware";
import { onceOf } from "./preferences";

/** A call whose input is one object: by which door it came, and who calls; nobody where anybody may. */
export interface SentCall {
  readonly door: Door;
  readonly principal: Principal | undefined;
  /** Reads the input, which is not looked at before the caller's scope. */
  readonly read: () => Promise<unknown>;
}

/** What an operation is called with. */
export interface ReceivedCall {
  readonly asked: Asked<OperationSchemas>;
  readonly reach: Reach;
}

/**
 * Takes a call in. What the caller may not reach is answered as what does not exist, whatever else is wrong.
 *
 * @throws ProblemError `forbidden`, `agent_not_found`, `invalid_request`
 */
export async function receiveCall(
  c: Context<GatewayEnv>,
  registry: Registry,
  operation: BoundOperation,
  { door, principal, read }: SentCall,
): Promise<ReceivedCall> {
  const { scope } = operation.operation;
  if (principal !== undefined && scope !== null) requireScope(principal, scope);
  const input = await read();
  if (principal !== undefined && scope !== null)
    requireReach(principal, scope, targetOf(operation, namesIn(operation, input)));
  const sent = await readInput(operation, input);
  const { idempotencyKey = c.req.header("idempotency-key"), ifMatch, ...request } = sent;
  const once = takesKey(operation)
    ? await onceOf(idempotencyKey, { caller: callerOf(principal), operation: operation.id, request })
    : undefined;
  return toCall(c, registry, operation, request, { door, principal, once, ifMatch });
}
