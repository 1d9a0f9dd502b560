import type { AnyAgent } from "../registry/agent-definition";
import type { InstanceOf } from "../registry/wire";
import { agentPath, segment } from "./address";
import { follow } from "./follow";
import { decide, instanceClient } from "./instance-client";
import { listOf } from "./list";
import { type Call, sendFor, type Transport } from "./transport";
import type { AgentClient, AgentListOptions, ApprovalsClient, InstancesClient, StateClient } from "./types";
import { workflowClient } from "./workflow-client";

type Any = AnyAgent;

/**
 * Makes the client of one agent. Whatever the types say of names, methods and states is not looked into: the gateway checks
 * what it is sent.
 */
export function agentClient(transport: Transport, path: string): AgentClient<Any> {
  return {
    path,
    describe: (options) => sendFor(transport, { method: "GET", path, ...options }),
    workflow: (name) => workflowClient(transport, path, name),
    sub: (agent, name) => agentClient(transport, agentPath(path, agent, name)),
    children: ({ signal, ...query } = {}) => listOf(transport, `${path}/sub`, query, { signal }),
    create: (options) => sendFor(transport, { method: "PUT", path, ...options }),
    delete: (options) => sendFor(transport, { method: "DELETE", path, ...options }),
    call: (method, input, options) =>
      sendFor(transport, {
        method: "POST",
        path: `${path}/methods/${segment(method)}`,
        body: input,
        ...options,
      }),
    state: stateClient(transport, `${path}/state`),
    instances: instancesClient(transport, path),
    approvals: approvalsClient(transport, `${path}/approvals`),
    events: ({ workflow, scope, types, from, ...options } = {}) =>
      // Its frames are what the gateway's document says.
      follow(transport, `${path}/events`, { type: types, from, workflow, scope }, options) as AsyncGenerator<
        never,
        void
      >,
    streamTokens: {
      create: ({ instance, ttlSeconds, ...options } = {}) =>
        sendFor(transport, {
          method: "POST",
          path: `${path}${instance === undefined ? "" : `/instances/${segment(instance)}`}/stream-tokens`,
          body: { ttlSeconds },
          ...options,
        }),
      revoke: async (tokenId, options) => {
        await transport.send({
          method: "DELETE",
          path: `${path}/stream-tokens/${segment(tokenId)}`,
          ...options,
        });
      },
    },
  };
}

function instancesClient(transport: Transport, agent: string): InstancesClient<Any> {
  const path = `${agent}/instances`;
  return {
    ...instanceClient<InstanceOf<Any["workflows"][number]>>(transport, agent),
    list: (options: AgentListOptions<Any> = {}) => {
      const { signal, ...query } = options;
      return listOf(transport, path, query, { signal });
    },
    deleteMatching: ({ signal, idempotencyKey, ...query }) =>
      sendFor(transport, { method: "DELETE", path, query, signal, idempotencyKey }),
  };
}

function approvalsClient(transport: Transport, path: string): ApprovalsClient<Any> {
  return {
    list: ({ signal, ...query } = {}) => listOf(transport, path, query, { signal }),
    get: (id, options) => sendFor(transport, { method: "GET", path: `${path}/${segment(id)}`, ...options }),
    approve: (id, decision) => decide(transport, `${path}/${segment(id)}/approve`, decision),
    reject: (id, decision) => decide(transport, `${path}/${segment(id)}/reject`, decision),
  };
}

function stateClient(transport: Transport, path: string): StateClient<Any> {
  const change = (
    method: Call["method"],
    body: unknown,
    { ifMatch, ...options }: { readonly ifMatch?: string | undefined } = {},
  ) =>
    sendFor<Awaited<ReturnType<StateClient<Any>["get"]>>>(transport, {
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } }),
      ...options,
    });
  return {
    get: (options) => sendFor(transport, { method: "GET", path, ...options }),
    put: (state, options) => change("PUT", state, options),
    patch: (fields, options) => change("PATCH", fields, options),
    reset: (options) => change("DELETE", undefined, options),
  };
}
