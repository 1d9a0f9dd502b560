import { z } from "zod";
import type { TERMINAL_STATUSES } from "../contract/instance";
import { LIMITS } from "../contract/limits";
import { PublicName } from "../contract/names";
import type { AnySchema, AnySchemas } from "./any-schema";
import { DefinitionError } from "./definition-error";
import { type Duration, toMilliseconds } from "./duration";

/** Cloudflare's own progress type, used where a workflow declares none: `percent` is 0 to 1. */
export const DefaultProgress = z.looseObject({
  step: z.string().optional().describe("Name of the step"),
  status: z.enum(["pending", "running", "complete", "error"]).optional().describe("How the step goes"),
  message: z.string().optional().describe("What to tell a person"),
  percent: z.number().optional().describe("How far it is: 0 to 1"),
});

/** How an instance can end. */
type Ending = (typeof TERMINAL_STATUSES)[number];

/** Milliseconds for which an instance is kept after its end where its workflow does not say: 30 days. */
export const DEFAULT_KEEP_MS = 30 * 86_400_000;

/** How many events of an instance are kept where its workflow does not say. */
export const DEFAULT_KEEP_EVENTS: number = LIMITS.instanceEvents.most;
/** What a label may be: it needs no quotes wherever it is written. */
const LABEL = /^(?!__)[A-Za-z_][\w.-]{0,63}$/;

/** The event type under which the SDK waits for approval, unless it is told otherwise. */
export const SDK_APPROVAL_TYPE = "approval";

/** Any workflow's contract, as far as the compiler is to compare it: see {@link AnySchema}. */
export interface AnyWorkflow {
  readonly name: string;
  readonly binding: string;
  readonly description: string | undefined;
  readonly params: AnySchema<Record<string, unknown>>;
  readonly progress: AnySchema;
  readonly output: AnySchema;
  readonly approval: AnySchema;
  readonly events: AnySchemas;
  /** Metadata keys by which lists can be filtered. */
  readonly labels: readonly string[];
  /** How long an instance is kept after its end, in milliseconds, by how it ended. */
  readonly keepMs: Readonly<Record<Ending, number>>;
  /** How many events of an instance are kept at least: the newest. */
  readonly keepEvents: number;
  /** Names that the binding had before. */
  readonly formerBindings: readonly string[];
  /** Event types under which runs of the SDK's own class wait for approval. */
  readonly approvalEventTypes: readonly string[];
}

/** The contract of one workflow: what goes in, what is told while it runs, and what comes out. */
export interface WorkflowDefinition<
  WorkflowName extends string = string,
  Params extends AnySchema<Record<string, unknown>> = z.ZodObject,
  Progress extends AnySchema = z.ZodType,
  Output extends AnySchema = z.ZodType,
  Approval extends AnySchema = z.ZodType,
  Events extends AnySchemas = Readonly<Record<string, z.ZodType>>,
> extends AnyWorkflow {
  readonly name: WorkflowName;
  readonly params: Params;
  readonly progress: Progress;
  readonly output: Output;
  readonly approval: Approval;
  readonly events: Events;
}

/** What {@link defineWorkflow} takes. */
export interface WorkflowOptions<
  WorkflowName extends string,
  Params extends z.ZodObject,
  Progress extends AnySchema,
  Output extends AnySchema,
  Approval extends AnySchema,
  Events extends AnySchemas,
> {
  /** Public, kebab-case name: a word of the URL and of the SDKs. */
  name: WorkflowName;
  /** Name of the workflow's binding in `wrangler.jsonc`. */
  binding: string;
  /** What it does, in a sentence; shown in the catalogue and the OpenAPI document. */
  description?: string;
  /** What a start takes. Unknown fields are refused unless the object is loose. */
  params: Params;
  /** What `reportProgress` takes; {@link DefaultProgress} if left out. */
  progress?: Progress;
  /** What `run` returns. */
  output: Output;
  /** What an approver may send along with a decision; nothing if left out. */
  approval?: Approval;
  /** Payloads of the events that may be sent in, by type. */
  events?: Events;
  /** Metadata keys by which lists can be filtered. Other keys are kept and shown too. */
  labels?: readonly string[];
  /** How long an instance is kept after its end, in all or by how it ended: 30 days if left out. */
  keep?: Duration | Partial<Record<Ending, Duration>>;
  /** How many events of an instance are kept: older ones are dropped. 10,000 if left out. */
  keepEvents?: number;
  /** Names that the binding had before: instances that were started under them go on under the new one. */
  formerBindings?: readonly string[];
  /**
   * Event types under which runs wait for approval that are of the SDK's own `AgentWorkflow`, or were begun by it: what it
   * was given as `eventType`; `approval` if left out.
   */
  approvalEventTypes?: readonly string[];
}

/**
 * Defines the contract of a workflow.
 *
 * @throws DefinitionError if the name, the binding, an event name, a parameter name or a label cannot be used.
 */
export function defineWorkflow<
  const WorkflowName extends string,
  Params extends z.ZodObject,
  Output extends AnySchema,
  Progress extends AnySchema = typeof DefaultProgress,
  Approval extends AnySchema = z.ZodUndefined,
  Events extends AnySchemas = Record<never, never>,
>(
  options: WorkflowOptions<WorkflowName, Params, Progress, Output, Approval, Events>,
): WorkflowDefinition<WorkflowName, Params, Progress, Output, Approval, Events> {
  const { name, binding, params } = options;
  for (const word of [name, ...Object.keys(options.events ?? {})]) {
    if (!PublicName.safeParse(word).success) {
      throw new DefinitionError(`Workflow "${name}": the name "${word}" must be kebab-case. Rename it.`);
    }
  }
  if (!/^[A-Za-z_$][\w$]*$/.test(binding)) {
    throw new DefinitionError(
      `Workflow "${name}": "${binding}" is not the name of a binding. Use the one in wrangler.jsonc.`,
    );
  }
  const reserved = Object.keys(params.shape).find((key) => key.startsWith("__"));
  if (reserved !== undefined) {
    throw new DefinitionError(
      `Workflow "${name}": the parameter "${reserved}" starts with "__", which is reserved. Rename it.`,
    );
  }
  const unusable = options.labels?.find((label) => !LABEL.test(label));
  if (unusable !== undefined) {
    throw new DefinitionError(
      `Workflow "${name}": "${unusable}" cannot be a label. Use 1 to 64 of A-Z a-z 0-9 _ . - with a letter or one _ first.`,
    );
  }
  const strips = params.def.catchall === undefined;
  const definition: WorkflowDefinition<WorkflowName, Params, Progress, Output, Approval, Events> = {
    name,
    binding,
    description: options.description,
    // Inference cannot see that a default stands in exactly where its type parameter was defaulted.
    params: (strips ? params.strict() : params) as Params,
    progress: (options.progress ?? DefaultProgress) as Progress,
    output: options.output,
    approval: (options.approval ?? z.undefined()) as Approval,
    events: (options.events ?? {}) as Events,
    labels: options.labels ?? [],
    keepMs: keepOf(name, options.keep),
    keepEvents: keepEventsOf(name, options.keepEvents),
    formerBindings: options.formerBindings ?? [],
    approvalEventTypes: options.approvalEventTypes ?? [SDK_APPROVAL_TYPE],
  };
  // Only zod makes what is AnySchema to the compiler.
  const known = definition as unknown as WorkflowDefinition;
  definitions.set(name, known);
  for (const each of [binding, ...definition.formerBindings]) definitionsByBinding.set(each, known);
  return definition;
}

function keepOf(
  name: string,
  keep: Duration | Partial<Record<Ending, Duration>> = DEFAULT_KEEP_MS,
): Record<Ending, number> {
  const by = typeof keep === "object" ? keep : { complete: keep, errored: keep, terminated: keep };
  try {
    const of = (ending: Ending): number => toMilliseconds(by[ending] ?? DEFAULT_KEEP_MS);
    return { complete: of("complete"), errored: of("errored"), terminated: of("terminated") };
  } catch (failure) {
    throw new DefinitionError(`Workflow "${name}": ${String(failure)}. Write keep as "7 days".`);
  }
}

function keepEventsOf(name: string, keepEvents = DEFAULT_KEEP_EVENTS): number {
  if (Number.isSafeInteger(keepEvents) && keepEvents > 0) return keepEvents;
  throw new DefinitionError(
    `Workflow "${name}": keepEvents must be a number of events, 1 or more. Leave it out to keep ${DEFAULT_KEEP_EVENTS}.`,
  );
}

/** By public name, which the gateway gives a run on its way. */
const definitions = new Map<string, WorkflowDefinition>();
/** By binding, which is all that a run knows of itself that was begun before the gateway. */
const definitionsByBinding = new Map<string, WorkflowDefinition>();

/** @returns the contract of the workflow of this public name; undefined if none was defined. */
export function workflowNamed(name: string): WorkflowDefinition | undefined {
  return definitions.get(name);
}

/** @returns the contract of the workflow on a binding, or on one that it had before; undefined if none was defined. */
export function workflowOn(binding: string): WorkflowDefinition | undefined {
  return definitionsByBinding.get(binding);
}

/** Params of a workflow as its class receives them. */
export type ParamsOf<W extends AnyWorkflow> = z.output<W["params"]>;
/** Progress that a workflow reports. */
export type ProgressOf<W extends AnyWorkflow> = z.input<W["progress"]>;
/** What a workflow returns. */
export type OutputOf<W extends AnyWorkflow> = z.input<W["output"]>;
/** What `waitForApproval` resolves with: the metadata of the decision. */
export type ApprovalOf<W extends AnyWorkflow> = z.output<W["approval"]>;
/** Payloads of the events that a workflow takes, by type. */
export type EventsOf<W extends AnyWorkflow> = {
  [Type in keyof W["events"]]: z.output<W["events"][Type]>;
};
