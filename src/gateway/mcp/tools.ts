import type { BoundOperation } from "../operations/table";
import { inputSchemaOf, type ObjectSchema, outputSchemaOf } from "./schemas";
import { descriptionOf, titleOf } from "./texts";

/** An operation as a tool. */
export interface Tool {
  readonly name: string;
  readonly operation: BoundOperation;
  /** Whether a call changes nothing. */
  readonly reads: boolean;
  /** How models are told of it. */
  readonly shown: () => ShownTool;
}

/** A tool in a list of tools. */
export interface ShownTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ObjectSchema;
  /** Left out where the answer may be something else than an object. */
  readonly outputSchema?: ObjectSchema;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint?: boolean;
    readonly idempotentHint?: boolean;
    readonly openWorldHint: boolean;
  };
}

/** Longest name of a tool that the makers of models take, though MCP takes more. */
const LONGEST_NAME = 64;

/** Verbs of operations that only add, and take nothing away. Whatever is not known to be one of them is said to be destructive. */
const ADDING = /^(?:start|create|send|test|redeliver|resume|enable)/;

/**
 * Every tool that the operations make, one of each. What is let in by the signature of its body is none: clients of MCP write bodies
 * of their own.
 */
export function createTools(operations: readonly BoundOperation[]): Tool[] {
  return operations.filter(({ operation }) => operation.signed === undefined).map(toTool);
}

function toTool(operation: BoundOperation): Tool {
  const name = toolName(operation.id);
  const reads = changesNothing(operation);
  let shown: ShownTool | undefined;
  return { name, operation, reads, shown: () => (shown ??= show(name, reads, operation)) };
}

/** The id of its operation. A journal is read here, not streamed; a name that is too long ends with a digest of what was cut off. */
export function toolName(id: string): string {
  const name = id.replace(/^stream(?=[A-Z])/, "list");
  if (name.length <= LONGEST_NAME) return name;
  const kept = LONGEST_NAME - 9;
  return `${name.slice(0, kept)}_${digestOf(name.slice(kept))}`;
}

/** Eight hexadecimal digits (FNV-1a), which keep names apart and no secret. */
function digestOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function changesNothing({ rest, subject, method }: BoundOperation): boolean {
  if (method !== undefined) return subject?.agent.methods[method]?.readOnly === true;
  return rest.method === "get";
}

function show(name: string, reads: boolean, operation: BoundOperation): ShownTool {
  const outputSchema = outputSchemaOf(operation);
  return {
    name,
    title: titleOf(operation),
    description: descriptionOf(operation),
    inputSchema: inputSchemaOf(operation),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations: reads
      ? { readOnlyHint: true, openWorldHint: false }
      : {
          readOnlyHint: false,
          destructiveHint: operation.method !== undefined || !ADDING.test(operation.verb),
          idempotentHint: operation.rest.method === "put" || operation.rest.method === "delete",
          openWorldHint: true,
        },
  };
}
