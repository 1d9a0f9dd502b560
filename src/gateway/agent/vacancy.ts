import type { Agent } from "agents";
import type { AgentStep } from "../contract/names";
import { ProblemError } from "../contract/problem";
import { type Outcome, toOutcome } from "../durable/outcome";
import { definitionOf } from "../registry/agent-definition";
import { creates, definitionBelow } from "./creating";
import type { AgentMethod, GatewayStub } from "./stub";

/** How names begin that the local engine adds: a table with the name of each object that was ever asked, and methods that read it. */
const LOCAL_ENGINE = "__miniflare";
/** How the identity of a sub-agent begins: it exists by its parent's word. */
const SUB_AGENT = "cf-agents:";

/** What the platform looks for once, as an object is made; the SDK defines some of it on each Agent. */
const HANDLERS: readonly PropertyKey[] = [
  "fetch",
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
];

/** What is looked for on any object without the Agent being meant: by the platform, as it is made, and by `await`. */
const LOOKED_FOR: readonly PropertyKey[] = [
  "connect",
  "queue",
  "scheduled",
  "self",
  "tail",
  "tailStream",
  "test",
  "then",
  "trace",
];

type AgentClass = new (ctx: DurableObjectState, env: Cloudflare.Env) => Agent & GatewayStub;

/** Objects that are made in full, whatever they hold. */
const inFull = new WeakSet<DurableObjectState>();

/** Whether this is a root agent of which nothing is stored. Asking stores nothing. */
export function isVacant({ id, storage }: DurableObjectState): boolean {
  if (id.name?.startsWith(SUB_AGENT) === true) return false;
  const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT GLOB ? LIMIT 1";
  return storage.sql.exec(query, `${LOCAL_ENGINE}*`).toArray().length === 0;
}

/**
 * Stands for a root agent of which nothing is stored. The SDK writes its tables as an Agent is made, so that any name that is
 * asked for would be stored for ever. What may bring nothing into being is answered here; anything else makes the Agent, and
 * from then on all goes to it.
 *
 * @returns undefined if the object is to be made.
 */
export function vacancyOf(
  agentClass: AgentClass,
  ctx: DurableObjectState,
  env: Cloudflare.Env,
): Agent | undefined {
  if (inFull.has(ctx) || !isVacant(ctx)) return undefined;
  let made: (Agent & GatewayStub) | undefined;
  const make = (): Agent & GatewayStub => {
    inFull.add(ctx);
    made ??= new agentClass(ctx, env);
    return made;
  };
  const gatewayCall: GatewayStub["gatewayCall"] = async (rest, method, input, actor): Promise<Outcome> => {
    if (made !== undefined || mayCreate(agentClass, rest, method, input))
      return make().gatewayCall(rest, method, input, actor);
    return toOutcome(() => Promise.reject(new ProblemError("agent_not_found")));
  };
  const forward = (key: PropertyKey) =>
    function toAgent(...args: unknown[]): unknown {
      // Whoever asks for a method that is there calls it.
      return Reflect.apply(Reflect.get(make(), key) as () => unknown, make(), args);
    };
  const shell = Object.create(agentClass.prototype, { ctx: { value: ctx }, env: { value: env } }) as Agent;
  return new Proxy(shell, {
    get(_, key) {
      if (key === "constructor") return agentClass;
      if (key === "gatewayCall") return gatewayCall;
      if (HANDLERS.includes(key)) return forward(key);
      if (made === undefined && needsNone(shell, key)) return Reflect.get(shell, key);
      if (made === undefined && isMethod(agentClass.prototype, key)) return forward(key);
      const value: unknown = Reflect.get(make(), key);
      return typeof value === "function" ? value.bind(made) : value;
    },
    set(_, key, value) {
      return Reflect.set(made ?? shell, key, value);
    },
  });
}

/**
 * Whether a key can be read though no Agent is made: fields of the author's, what is looked for on anything, and what is the local
 * engine's. What else is not there may be a field of the SDK's, which an author's constructor finds on every Agent.
 */
function needsNone(shell: object, key: PropertyKey): boolean {
  if (Object.hasOwn(shell, key)) return true;
  if (key in shell) return String(key).startsWith(LOCAL_ENGINE);
  return typeof key === "symbol" || LOOKED_FOR.includes(key) || String(key).startsWith(LOCAL_ENGINE);
}

/** Whether a key of a class is a method; getters are not asked. */
function isMethod(prototype: object, key: PropertyKey): boolean {
  for (
    let owner: object | null = prototype;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const described = Object.getOwnPropertyDescriptor(owner, key);
    if (described !== undefined) return typeof described.value === "function";
  }
  return false;
}

function mayCreate(
  { name }: AgentClass,
  rest: readonly AgentStep[],
  method: AgentMethod,
  input: unknown,
): boolean {
  const definition = definitionOf(name);
  try {
    return definition === undefined || creates(definitionBelow(definition, rest), method, input);
  } catch (failure) {
    if (failure instanceof ProblemError) return false;
    throw failure;
  }
}
