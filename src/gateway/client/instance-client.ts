import type { Approval } from "../contract/approval";
import { segment } from "./address";
import { type ChangeOptions, sendFor, type Transport } from "./transport";
import type { InstanceClient, Rejection } from "./types";

/** Makes the client of the instances of an agent. @param agent the path of the agent. */
export function instanceClient<Shown>(transport: Transport, agent: string): InstanceClient<Shown, unknown> {
  const pathOf = (id: string): string => `${agent}/instances/${segment(id)}`;
  const control = (id: string, action: string, body: object | undefined, options: ChangeOptions = {}) =>
    sendFor<Shown>(transport, {
      method: "POST",
      path: `${pathOf(id)}/${action}`,
      ...(body === undefined ? {} : { body }),
      ...options,
    });
  return {
    get: (id, options) => sendFor(transport, { method: "GET", path: pathOf(id), ...options }),
    pause: (id, options) => control(id, "pause", undefined, options),
    resume: (id, options) => control(id, "resume", undefined, options),
    terminate: (id, { rollback, ...options } = {}) => control(id, "terminate", { rollback }, options),
    restart: (id, { from, resetClock, ...options } = {}) =>
      control(id, "restart", { from, resetClock }, options),
    delete: (id, { force, ...options } = {}) =>
      sendFor(transport, { method: "DELETE", path: pathOf(id), query: { force }, ...options }),
    approveInstance: (id, decision) => decide(transport, `${pathOf(id)}/approve`, decision),
    rejectInstance: (id, decision) => decide(transport, `${pathOf(id)}/reject`, decision),
  };
}

/** Sends a decision to the address that takes it. */
export function decide(
  transport: Transport,
  path: string,
  { reason, metadata, ...options }: Rejection<unknown> = {},
): Promise<Approval> {
  return sendFor(transport, { method: "POST", path, body: { reason, metadata }, ...options });
}
