import { camelCaseToKebabCase } from "agents";
import type { Actor } from "../contract/audit";
import { type AgentPath, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { AgentPort, EventsAnswer, EventsRequest, Port, StepSource } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import { Engine } from "./engine";
import { fromOutcome } from "../durable/outcome";
import { remoteClass } from "../durable/remote";
import { copySteps, pumpSteps, type TakeSteps } from "./step-pump";
import { rootStub } from "./stub";
import { asksToPump, tailHeaders } from "./tail";

/** Steps are copied by the Worker, for nobody in particular. */
const PUMP: Actor = { name: "gateway", door: "agent", scopes: [], address: null, requestId: null };
/** A pause after an engine that did not answer. */
const RETRY_MS = 250;

/** Whom an agent is asked for, and which. */
interface Asker {
  readonly path: AgentPath;
  readonly actor: Actor;
}

/** What agents are asked. */
const METHODS = {
  describe: true,
  listChildren: true,
  createChild: true,
  deleteChild: true,
  start: true,
  startMany: true,
  control: true,
  deleteInstance: true,
  deleteInstances: true,
  migrateBinding: true,
  sendEvent: true,
  getInstance: true,
  listInstances: true,
  listApprovals: true,
  getApproval: true,
  decide: true,
  createLink: true,
  listLinks: true,
  revokeLink: true,
  viewLink: true,
  decideByLink: true,
  callMethod: true,
  getState: true,
  changeState: true,
  listAudit: true,
  verifyAudit: true,
  revokeStreamToken: true,
  readEvents: true,
  findSteps: true,
  takeSteps: true,
} as const satisfies Record<keyof AgentPort, true>;

/** The port of a Worker: reaches agents through the namespaces of its environment, in one round trip each. */
export function createPort(env: object, roots: readonly AgentDefinition[]): Port {
  const rootOf = (path: AgentPath) => {
    const root = roots.find(({ name }) => name === path[0].agent);
    if (root?.binding === undefined) throw new ProblemError("agent_not_found");
    return { root, stub: rootStub(env, root.binding, path[0].name) };
  };

  /** What cannot be read now is read later: the journal is there all the same. */
  const copied = async (source: StepSource, take: TakeSteps): Promise<void> => {
    try {
      await copySteps(new Engine(env), source, take);
    } catch (failure) {
      console.warn("switchyard: steps could not be read from the engine", failure);
      // Who reads on until the end is there must not ask at once.
      await new Promise((resume) => setTimeout(resume, RETRY_MS));
    }
  };

  const RemoteAgent = remoteClass<AgentPort, Asker>(METHODS, async ({ path, actor }, method, input) => {
    const { stub } = rootOf(path);
    // The agent answers each method with that method's own type: both sides are made from AgentPort.
    return fromOutcome(
      await reached(stub.gatewayCall(path.slice(1), method as keyof AgentPort, input, actor)),
    );
  });

  /** Brings the steps up to date before they are read. */
  class AgentWithSteps extends RemoteAgent {
    override async readEvents(input: EventsRequest): Promise<EventsAnswer> {
      const answer = await super.readEvents(input);
      const { instanceId: id } = input;
      if (answer.steps === undefined || id === undefined) return answer;
      await copied(answer.steps, (batch) => this.takeSteps({ id, ...batch }));
      return super.readEvents({ ...input, copied: true });
    }
  }

  const port: Port = {
    at: (path, actor) => new AgentWithSteps({ path, actor }),

    async openTail(path, request) {
      const { root, stub } = rootOf(path);
      const agent = formatAgentPath(path);
      const response = await reached(
        stub.fetch(`http://agent${subAgentUrl(root, path)}`, {
          headers: tailHeaders({ ...request, agent }),
        }),
      );
      const { webSocket } = response;
      if (webSocket === null) throw new ProblemError("agent_unavailable");
      const { instanceId: id } = request;
      if (request.steps && id !== undefined) pumpIfAsked(webSocket, new Engine(env), id, port.at(path, PUMP));
      return webSocket;
    },
  };
  return port;
}

/**
 * Copies the steps of an instance from the engine while its tail is open, if the agent asks this one to. It is the Worker that
 * waits for the engine: an agent that did could not sleep.
 */
function pumpIfAsked(tail: WebSocket, engine: Engine, id: string, agent: AgentPort): void {
  const stop = new AbortController();
  tail.addEventListener("close", () => stop.abort());
  tail.addEventListener("error", () => stop.abort());
  const take: TakeSteps = (batch) => agent.takeSteps({ id, ...batch });
  let pumping = Promise.resolve();
  tail.addEventListener("message", ({ data }) => {
    // It may be asked again while it pumps: then it looks once more when it is done.
    if (asksToPump(data))
      pumping = pumping.then(() => pumpSteps(engine, () => agent.findSteps({ id }), take, stop.signal));
  });
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
