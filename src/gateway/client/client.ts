import type { Catalogue } from "../contract/agent";
import type { Named, RootsOf, TypedGateway } from "../registry/wire";
import { agentPath } from "./address";
import { agentClient } from "./agent-client";
import {
  type Answer,
  type Call,
  type CallOptions,
  type Connection,
  createTransport,
  sendFor,
} from "./transport";
import type { AgentClient } from "./types";

/** A gateway, as a program in TypeScript sees it. */
export interface Client<App extends TypedGateway> {
  /** One of its root agents. Nothing is asked before one of its methods is called. */
  agent<Name extends RootsOf<App>["name"]>(agent: Name, name: string): AgentClient<Named<RootsOf<App>, Name>>;
  /** What it serves. */
  catalogue(options?: CallOptions): Promise<Catalogue>;
  /** Sends any other request that its document names, with the same care: a key, and a repeat where that may help. */
  request(call: Call): Promise<Answer>;
}

/**
 * Makes a client, typed by the type of the gateway: `createClient<App>({ url, key })`, where `App` is `typeof gateway` of the
 * Worker. All of its methods reject with a `ClientError`: a `GatewayProblem` if the gateway refused.
 */
export function createClient<App extends TypedGateway>(connection: Connection): Client<App> {
  const transport = createTransport(connection);
  const client: Client<TypedGateway> = {
    agent: (agent, name) => agentClient(transport, agentPath("", agent, name)),
    catalogue: (options) => sendFor(transport, { method: "GET", path: "/agents", ...options }),
    request: (call) => transport.send(call),
  };
  return client;
}
