import type { Instance } from "../contract/instance";
import type { AnyWorkflow } from "../registry/workflow-definition";
import type { InstanceOf, StartedOf } from "../registry/wire";
import { segment } from "./address";
import { WorkflowMismatch } from "./errors";
import { follow } from "./follow";
import { decide, instanceClient } from "./instance-client";
import { listOf } from "./list";
import { sendFor, type Transport } from "./transport";
import type { WorkflowClient, WorkflowEventsOptions } from "./types";
import { waitForOutput } from "./wait";

type Any = AnyWorkflow;

/**
 * Makes the client of one workflow of an agent.
 *
 * @param agent the path of the agent.
 * @param workflow the public name of the workflow.
 */
export function workflowClient(transport: Transport, agent: string, workflow: string): WorkflowClient<Any> {
  const path = `${agent}/workflows/${segment(workflow)}`;
  const instancePath = (id: string): string => `${agent}/instances/${segment(id)}`;
  const decisionPath = (id: string, decision: string): string =>
    `${agent}/approvals/${segment(id)}/${decision}`;
  const instances = instanceClient<InstanceOf<Any>>(transport, agent);
  /** The types of another workflow would not fit what comes. */
  const expectOurs = (instance: Instance): void => {
    if (instance.workflow !== workflow) throw new WorkflowMismatch(instance, workflow);
  };
  return {
    ...instances,
    async get(id, options) {
      const instance = await instances.get(id, options);
      expectOurs(instance);
      return instance;
    },
    start: (params, { id, metadata, delay, ...options } = {}) =>
      sendFor(transport, { method: "POST", path, body: { params, id, metadata, delay }, ...options }),
    async startMany(items, options) {
      const call = { method: "POST", path: `${path}/batch`, body: { items }, ...options } as const;
      return (await sendFor<{ items: readonly StartedOf<Any>[] }>(transport, call)).items;
    },
    wait: (id, options = {}) => waitForOutput(transport, instancePath(id), options, expectOurs),
    list: ({ signal, ...query } = {}) =>
      listOf(transport, `${agent}/instances`, { ...query, workflow }, { signal }),
    events(options: WorkflowEventsOptions = {}) {
      const { instance, include, types, from, ...how } = options;
      const [events, query] =
        instance === undefined
          ? [`${agent}/events`, { workflow }]
          : [`${instancePath(instance)}/events`, { include }];
      // Its frames are what the gateway's document says.
      return follow(transport, events, { ...query, type: types, from }, how) as AsyncGenerator<never, void>;
    },
    approve: (id, decision) => decide(transport, decisionPath(id, "approve"), decision),
    reject: (id, decision) => decide(transport, decisionPath(id, "reject"), decision),
    sendEvent: (id, type, payload, { requireWaiting, ...options } = {}) =>
      sendFor(transport, {
        method: "POST",
        path: `${instancePath(id)}/events`,
        query: { require: requireWaiting === true ? "waiting" : undefined },
        body: { type, payload },
        ...options,
      }),
    migrateBinding: (from, options) =>
      sendFor(transport, { method: "POST", path: `${path}/migrate-binding`, body: { from }, ...options }),
  };
}
