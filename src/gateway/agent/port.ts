import { camelCaseToKebabCase } from "agents";
import { type AgentPath, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { AgentPort, Port } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import { fromOutcome } from "./outcome";
import { rootStub } from "./stub";
import { tailHeaders } from "./tail";

/** The port of a Worker: reaches agents through the namespaces of its environment, in one round trip each. */
export function createPort(env: object, roots: readonly AgentDefinition[]): Port {
  const rootOf = (path: AgentPath) => {
    const root = roots.find(({ name }) => name === path[0].agent);
    if (root?.binding === undefined) throw new ProblemError("agent_not_found");
    return { root, stub: rootStub(env, root.binding, path[0].name) };
  };

  return {
    at(path) {
      const call = async <Method extends keyof AgentPort>(
        method: Method,
        input?: Parameters<AgentPort[Method]>[0],
      ): Promise<Awaited<ReturnType<AgentPort[Method]>>> => {
        const { stub } = rootOf(path);
        const outcome = await reached(stub.gatewayCall(path.slice(1), method, input));
        // The agent answers each method with that method's own type: both sides are made from AgentPort.
        return fromOutcome(outcome) as Awaited<ReturnType<AgentPort[Method]>>;
      };
      return {
        describe: () => call("describe"),
        listChildren: (input) => call("listChildren", input),
        createChild: (input) => call("createChild", input),
        deleteChild: (input) => call("deleteChild", input),
        start: (input) => call("start", input),
        getInstance: (input) => call("getInstance", input),
        listInstances: (input) => call("listInstances", input),
        listApprovals: (input) => call("listApprovals", input),
        getApproval: (input) => call("getApproval", input),
        startMany: (input) => call("startMany", input),
        control: (input) => call("control", input),
        deleteInstances: (input) => call("deleteInstances", input),
        deleteInstance: (input) => call("deleteInstance", input),
        migrateBinding: (input) => call("migrateBinding", input),
        sendEvent: (input) => call("sendEvent", input),
        changeState: (input) => call("changeState", input),
        decide: (input) => call("decide", input),
        callMethod: (input) => call("callMethod", input),
        getState: () => call("getState"),
        revokeStreamToken: (input) => call("revokeStreamToken", input),
        readEvents: (input) => call("readEvents", input),
      };
    },

    async openTail(path, request) {
      const { root, stub } = rootOf(path);
      const agent = formatAgentPath(path);
      const response = await reached(
        stub.fetch(`http://agent${subAgentUrl(root, path)}`, {
          headers: tailHeaders({ ...request, agent }),
        }),
      );
      if (response.webSocket === null) throw new ProblemError("agent_unavailable");
      return response.webSocket;
    },
  };
}

/** The URL by which the SDK leads a socket down to a sub-agent: it goes by class names. */
function subAgentUrl(root: AgentDefinition, path: AgentPath): string {
  let definition: AgentDefinition | undefined = root;
  let url = "/";
  for (const step of path.slice(1)) {
    definition = definition?.children.find(({ name }) => name === step.agent);
    if (definition === undefined) throw new ProblemError("agent_not_found");
    url += `${url === "/" ? "" : "/"}sub/${camelCaseToKebabCase(definition.agent.name)}/${encodeURIComponent(step.name)}`;
  }
  return url;
}

/** Tells a failure of the platform, which may pass, from one of ours. */
async function reached<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (failure) {
    const { retryable, overloaded } = failure as {
      readonly retryable?: boolean;
      readonly overloaded?: boolean;
    };
    if (retryable === true || overloaded === true) throw new ProblemError("agent_unavailable");
    throw failure;
  }
}
