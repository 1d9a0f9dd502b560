import { camel } from "../operations/words";

/** Words that mean something else: `then`, `call` and `apply` to JavaScript and tRPC, the others beside workflows. */
export const TAKEN = [
  "then",
  "call",
  "apply",
  "methods",
  "sub",
  "get",
  "create",
  "delete",
  "listChildren",
  "getState",
  "replaceState",
  "mergeState",
  "resetState",
  "listInstances",
  "deleteInstances",
  "getInstance",
  "deleteInstance",
  "pauseInstance",
  "resumeInstance",
  "terminateInstance",
  "restartInstance",
  "approveInstance",
  "rejectInstance",
  "sendInstanceEvent",
  "streamInstanceEvents",
  "listInstanceEvents",
  "streamEvents",
  "listEvents",
  "createInstanceStreamToken",
  "createStreamToken",
  "revokeStreamToken",
  "listApprovals",
  "getApproval",
  "approveApproval",
  "rejectApproval",
  "createApprovalLink",
  "listApprovalLinks",
  "revokeApprovalLink",
  "listAudit",
  "verifyAudit",
] as const;
type Taken = (typeof TAKEN)[number];

/** Where what is about no agent has its place. */
export const GATEWAY = "gateway";

/** `import-dataset` as a word of a program: `importDataset`. */
export type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** The word of a workflow; one that is taken gets `Workflow` behind it. */
export type WorkflowWord<Name extends string> =
  Camel<Name> extends Taken ? `${Camel<Name>}Workflow` : Camel<Name>;
/** The word of an agent; one that is taken gets `Agent` behind it. */
export type AgentWord<Name extends string> =
  Camel<Name> extends Taken | typeof GATEWAY ? `${Camel<Name>}Agent` : Camel<Name>;
/** The word of a method; one that is taken gets `Method` behind it. */
export type MethodWord<Name extends string> = Name extends Taken ? `${Name}Method` : Name;

/** As {@link WorkflowWord}. */
export function workflowWord(name: string): string {
  return isTaken(camel(name)) ? `${camel(name)}Workflow` : camel(name);
}

/** As {@link AgentWord}. */
export function agentWord(name: string): string {
  const word = camel(name);
  return isTaken(word) || word === GATEWAY ? `${word}Agent` : word;
}

/** As {@link MethodWord}. */
export function methodWord(name: string): string {
  return isTaken(name) ? `${name}Method` : name;
}

function isTaken(word: string): boolean {
  return (TAKEN as readonly string[]).includes(word);
}
