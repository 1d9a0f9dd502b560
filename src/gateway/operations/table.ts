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
import type {
  Asked,
  MethodSubject,
  Operation,
  OperationSchemas,
  Reach,
  RestMethod,
  Subject,
  WorkflowSubject,
} from "./operation";
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
  /** Its id without the names of what it is about: `start`, `listInstances`. */
  readonly verb: string;
  readonly summary: string;
  readonly operation: Pick<
    Operation,
    "description" | "scope" | "signed" | "extent" | "kind" | "bodyAs" | "once" | "parsed" | "problems"
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
  /** Name of the workflow, or of the method, that it is about. */
  readonly workflow: string | undefined;
  readonly method: string | undefined;
  /** Made when they are first asked for: a Worker starts often, and serves few of its operations at once. */
  readonly schemas: OperationSchemas;
  readonly answer: (asked: Asked<OperationSchemas>, reach: Reach) => Promise<unknown>;
}

/** An operation and what it is about, which is erased here: doors treat all alike. */
interface Filled {
  readonly operation: Operation;
  readonly over: unknown;
  readonly subject: Subject | undefined;
}

/** Every operation of every agent, workflow and method of a registry. All doors are made from this table. */
export function bindOperations(registry: Registry): BoundOperation[] {
  const ofGateway = OF_GATEWAY.map((operation) => fill(operation as Operation, undefined, undefined));
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
      ...about.map((operation) => fill(operation as Operation<Subject>, subject, subject)),
      ...agent.workflows.flatMap((workflow) =>
        [startWorkflow, startWorkflows, migrateBinding].map((operation) =>
          fill(operation as Operation<never>, { ...subject, workflow }, subject),
        ),
      ),
      ...Object.entries(agent.methods).map(([method, contract]) =>
        fill(callMethod as Operation<never>, { ...subject, method, contract }, subject),
      ),
    ];
  });
  return withUniqueIds([...ofGateway, ...ofAgents]);
}

function fill<Over>(operation: Operation<Over>, over: unknown, subject: Subject | undefined): Filled {
  return { operation: operation as Operation, over, subject };
}

/** Whether anything can be done to agents of a class, of which their audit log would tell. */
function isChanged({ workflows, children, methods, state }: AgentDefinition): boolean {
  const parts = [...workflows, ...children, ...Object.values(methods)];
  return parts.length > 0 || state !== undefined;
}

function bind(id: string, { operation, over, subject }: Filled): BoundOperation {
  const { workflow, method: called } = (over ?? {}) as Partial<WorkflowSubject & MethodSubject>;
  const { method, path, status, waits = false, created, location, etag } = operation.rest;
  let schemas: OperationSchemas | undefined;
  return {
    id,
    verb: operation.id(nameless(over)),
    summary: operation.summary(over),
    operation,
    rest: { method, path: path(over), status, waits, created, location, etag },
    subject,
    workflow: workflow?.name,
    method: called,
    get schemas() {
      return (schemas ??= operation.schemas(over));
    },
    answer: (asked, reach) => operation.answer(asked, reach, over),
  };
}

/** What an operation is about, without its names. */
function nameless(over: unknown): unknown {
  if (over === undefined) return undefined;
  const { agent, workflow, ...others } = over as Subject & Partial<WorkflowSubject>;
  return {
    ...others,
    agent: { ...agent, name: "" },
    workflow: workflow && { ...workflow, name: "" },
    method: "",
  };
}

/** A class that is reached in several ways, or a workflow of several classes, has its way in the id. */
function withUniqueIds(operations: readonly Filled[]): BoundOperation[] {
  const ids = operations.map(({ operation, over }) => operation.id(over));
  const uses = new Map<string, number>();
  for (const id of ids) uses.set(id, (uses.get(id) ?? 0) + 1);
  return operations.map((filled, at) => {
    const id = ids[at] ?? "";
    if (uses.get(id) === 1 || filled.subject === undefined) return bind(id, filled);
    const way = filled.subject.chain.map(({ name }) => pascal(name)).join("");
    return bind(`${id}Of${way}`, filled);
  });
}
