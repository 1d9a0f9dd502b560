import type { AgentDefinition } from "../registry/agent-definition";
import type { Registry } from "../registry/registry";
import { hasStateBelow, leafOf, workflowsBelow } from "../registry/registry";
import { listAgentAudit, listAudit, verifyAgentAudit, verifyAudit } from "./audit";
import { callMethod, getAgent, listAgents } from "./agents";
import { migrateBinding } from "./bindings";
import { approve, approveInstance, getApproval, listApprovals, reject, rejectInstance } from "./approvals";
import { receiveApprovalCallback } from "./callbacks";
import { createChild, deleteChild, listChildren } from "./children";
import {
  deleteInstance,
  deleteInstances,
  pauseInstance,
  restartInstance,
  resumeInstance,
  sendInstanceEvent,
  terminateInstance,
} from "./controls";
import { readAgentEvents, readInstanceEvents } from "./events";
import { getHealth, getLimits, getReadiness } from "./gateway";
import { getInstance, listInstances, startWorkflow, startWorkflows } from "./instances";
import { createKey, getKey, listKeys, revokeKey, rotateKey } from "./keys";
import { createLink, listLinks, revokeLink } from "./links";
import type { Asked, Operation, OperationSchemas, Reach, RestMethod, Subject } from "./operation";
import { createInstanceStreamToken, createStreamToken, revokeStreamToken } from "./stream-tokens";
import { getState, mergeState, replaceState, resetState } from "./state";
import { getDelivery, listDeliveries, redeliver, redeliverMany } from "./webhook-deliveries";
import {
  createEndpoint,
  deleteEndpoint,
  enableEndpoint,
  getEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  testEndpoint,
  updateEndpoint,
} from "./webhooks";
import { pascal } from "./words";

const OF_GATEWAY = [
  getHealth,
  getReadiness,
  getLimits,
  listAgents,
  listKeys,
  createKey,
  getKey,
  rotateKey,
  revokeKey,
  listAudit,
  verifyAudit,
  receiveApprovalCallback,
  listEndpoints,
  createEndpoint,
  getEndpoint,
  updateEndpoint,
  deleteEndpoint,
  testEndpoint,
  enableEndpoint,
  rotateEndpointSecret,
  redeliverMany,
  listDeliveries,
  getDelivery,
  redeliver,
];
const OF_AGENT = [getAgent];
const OF_AGENT_WITH_STATE = [getState, replaceState, mergeState, resetState];
const OF_PARENT = [listChildren];
const OF_SUB_AGENT = [createChild, deleteChild];
/** Of agents that may have instances, or below which there may be some. */
const OF_AGENT_OVER_WORKFLOWS = [listInstances, deleteInstances, listApprovals];
const OF_AGENT_WITH_WORKFLOWS = [
  getInstance,
  deleteInstance,
  pauseInstance,
  resumeInstance,
  terminateInstance,
  restartInstance,
  approveInstance,
  rejectInstance,
  sendInstanceEvent,
  readInstanceEvents,
  createInstanceStreamToken,
  getApproval,
  approve,
  reject,
  createLink,
  listLinks,
  revokeLink,
];
/** Of agents to which anything can be done. */
const OF_AGENT_WITH_AUDIT = [listAgentAudit, verifyAgentAudit];
const OF_AGENT_WITH_EVENTS = [readAgentEvents, createStreamToken, revokeStreamToken];

/** An operation with everything that it is about filled in: what a door serves. */
export interface BoundOperation {
  readonly id: string;
  readonly summary: string;
  readonly operation: Pick<
    Operation,
    "description" | "scope" | "signed" | "extent" | "kind" | "once" | "parsed" | "problems"
  >;
  readonly rest: {
    readonly method: RestMethod;
    readonly path: string;
    readonly status: 200 | 201 | 202;
    readonly waits: boolean;
    readonly created: ((answer: unknown) => boolean) | undefined;
    readonly location: ((answer: unknown) => string) | undefined;
    readonly etag: ((answer: unknown) => string) | undefined;
  };
  /** Undefined for what is about the gateway itself. */
  readonly subject: Subject | undefined;
  readonly schemas: OperationSchemas;
  readonly answer: (asked: Asked<OperationSchemas>, reach: Reach) => Promise<unknown>;
}

/** Every operation of every agent, workflow and method of a registry. All doors are made from this table. */
export function bindOperations(registry: Registry): BoundOperation[] {
  const ofGateway = OF_GATEWAY.map((operation) => bind(operation as Operation, undefined, undefined));
  const ofAgents = registry.chains.flatMap((chain) => {
    const agent = leafOf(chain);
    const subject: Subject = { chain, agent };
    const about = [
      ...OF_AGENT,
      ...(chain.length === 1 ? [] : OF_SUB_AGENT),
      ...(agent.children.length === 0 ? [] : OF_PARENT),
      ...(agent.state === undefined ? [] : OF_AGENT_WITH_STATE),
      ...(workflowsBelow(agent).length === 0 ? [] : OF_AGENT_OVER_WORKFLOWS),
      ...(agent.workflows.length === 0 ? [] : OF_AGENT_WITH_WORKFLOWS),
      ...(isChanged(agent) ? OF_AGENT_WITH_AUDIT : []),
      ...(workflowsBelow(agent).length === 0 && !hasStateBelow(agent) ? [] : OF_AGENT_WITH_EVENTS),
    ];
    return [
      ...about.map((operation) => bind(operation as Operation<Subject>, subject, subject)),
      ...agent.workflows.flatMap((workflow) =>
        [startWorkflow, startWorkflows, migrateBinding].map((operation) =>
          bind(operation as Operation<never>, { ...subject, workflow }, subject),
        ),
      ),
      ...Object.entries(agent.methods).map(([method, contract]) =>
        bind(callMethod as Operation<never>, { ...subject, method, contract }, subject),
      ),
    ];
  });
  return withUniqueIds([...ofGateway, ...ofAgents]);
}

/** Whether anything can be done to agents of a class, of which their audit log would tell. */
function isChanged({ workflows, children, methods, state }: AgentDefinition): boolean {
  const parts = [...workflows, ...children, ...Object.values(methods)];
  return parts.length > 0 || state !== undefined;
}

/** What the operation is about is erased here: from now on doors treat all alike. */
function bind<Over>(operation: Operation<Over>, over: unknown, subject: Subject | undefined): BoundOperation {
  const about = over as Over;
  const { method, path, status, waits = false, created, location, etag } = operation.rest;
  return {
    id: operation.id(about),
    summary: operation.summary(about),
    operation,
    rest: { method, path: path(about), status, waits, created, location, etag },
    subject,
    schemas: operation.schemas(about),
    answer: (asked, reach) => operation.answer(asked, reach, about),
  };
}

/** A class that is reached in several ways, or a workflow of several classes, has its way in the id. */
function withUniqueIds(operations: readonly BoundOperation[]): BoundOperation[] {
  const uses = new Map<string, number>();
  for (const { id } of operations) uses.set(id, (uses.get(id) ?? 0) + 1);
  return operations.map((operation) => {
    if (uses.get(operation.id) === 1 || operation.subject === undefined) return operation;
    const way = operation.subject.chain.map(({ name }) => pascal(name)).join("");
    return { ...operation, id: `${operation.id}Of${way}` };
  });
}
