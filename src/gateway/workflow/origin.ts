import { GATEWAY_PARAM, type GatewayParam } from "../agent/reports";
import type { AgentStep } from "../contract/names";
import { definitionOf, rootOn } from "../registry/agent-definition";

/** What the SDK starts a run with. */
interface SdkParams {
  readonly __agentName?: string;
  readonly __agentBinding?: string;
  readonly __workflowName?: string;
  readonly __agentOrigin?:
    | ({ readonly kind: "agent"; readonly binding: string; readonly name: string } & Given)
    | ({
        readonly kind: "facet";
        readonly rootBinding: string;
        readonly path: readonly { readonly className: string; readonly name: string }[];
      } & Given);
}

interface Given {
  readonly [GATEWAY_PARAM]?: GatewayParam;
}

/** Whose a run is, as far as its parameters say. */
export interface RunOrigin {
  /** What the gateway started it with; undefined if it was begun before there was a gateway. */
  readonly given: GatewayParam | undefined;
  /** The way to its agent. */
  readonly way: Pick<GatewayParam, "root" | "below">;
  /** The binding of its workflow, as it was called then. */
  readonly binding: string;
}

/** @returns undefined if nothing says whose the run is, or its agent is not one of the gateway. */
export function originOf(payload: object): RunOrigin | undefined {
  const params = payload as SdkParams;
  const binding = params.__workflowName;
  const way = wayOf(params);
  if (binding === undefined || way === undefined) return undefined;
  return { given: params.__agentOrigin?.[GATEWAY_PARAM], way, binding };
}

function wayOf({ __agentOrigin: origin, ...older }: SdkParams): RunOrigin["way"] | undefined {
  if (origin?.kind === "facet") {
    const [root, ...below] = origin.path;
    const steps = below.map(({ className, name }): AgentStep | undefined => {
      const definition = definitionOf(className);
      return definition && { agent: definition.name, name };
    });
    if (root === undefined || !steps.every((step) => step !== undefined)) return undefined;
    return isServed(origin.rootBinding)
      ? { root: { binding: origin.rootBinding, name: root.name }, below: steps }
      : undefined;
  }
  const binding = origin?.binding ?? older.__agentBinding;
  const name = origin?.name ?? older.__agentName;
  if (binding === undefined || name === undefined || !isServed(binding)) return undefined;
  return { root: { binding, name }, below: [] };
}

function isServed(binding: string): boolean {
  return rootOn(binding) !== undefined;
}
