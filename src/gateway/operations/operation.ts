import type { z } from "zod";
import type { Grant } from "../contract/grant";
import type { MintedKey } from "../contract/key";
import type { GatewayLimit } from "../contract/limits";
import type { AgentPath } from "../contract/names";
import type { LinkGrant } from "../contract/link";
import type { ProblemCode } from "../contract/problem";
import type { Scope } from "../contract/scope";
import type { StreamGrant } from "../contract/stream-token";
import type { Actor } from "../contract/audit";
import type { DirectoryPort } from "../directory-port";
import type { AgentPort, Once, Port, StreamQuota } from "../port";
import type { AgentDefinition, MethodContract } from "../registry/agent-definition";
import type { AgentChain, Registry } from "../registry/registry";
import type { WorkflowDefinition } from "../registry/workflow-definition";

/** What an operation is about: a class of agents, reached by a chain, and perhaps one of its workflows or methods. */
export interface Subject {
  readonly chain: AgentChain;
  readonly agent: AgentDefinition;
}
export interface WorkflowSubject extends Subject {
  readonly workflow: WorkflowDefinition;
}
export interface MethodSubject extends Subject {
  readonly method: string;
  readonly contract: MethodContract;
}

/** The parts of a request and the answer. Bodies and queries refuse fields that they do not know. */
export interface OperationSchemas {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What documents show as the body, where more of it is checked behind the door. */
  readonly shownBody?: z.ZodType;
  readonly output: z.ZodType;
  /** The frames of a stream, where a door may go on with one. */
  readonly frame?: z.ZodType;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A checked request, as an operation receives it from any door. */
export interface Asked<Schemas extends OperationSchemas> {
  readonly params: Parsed<Schemas["params"]>;
  readonly query: Parsed<Schemas["query"]>;
  readonly body: Parsed<Schemas["body"]>;
  /** `If-Match`: the entity tag that must still hold. */
  readonly ifMatch: string | undefined;
  /** Name of the verified caller. */
  readonly caller: string;
  /** Id of the stream token that the caller came with. */
  readonly tokenId?: string | undefined;
  /** The caller's idempotency key, if it sent one. */
  readonly once: Once | undefined;
  /** Of a read of events that goes on to follow them. */
  readonly quota?: StreamQuota | undefined;
}

/** Where an operation acts. */
export interface Reach {
  readonly registry: Registry;
  readonly port: Port;
  readonly path: AgentPath;
  readonly agent: AgentPort;
  readonly directory: DirectoryPort;
  /** Every limit of the gateway. */
  readonly limits: readonly GatewayLimit[];
  /** In whose name it acts. */
  readonly actor: Actor;
  /** What the caller may do, and when its credentials end, in milliseconds. */
  readonly holder: Grant;
  readonly holderUntil: number | undefined;
  /** Whether the caller may do what the operation does to that agent too. */
  readonly reaches: (path: AgentPath) => boolean;
  /** Whether the caller reaches any agent of the class that a chain of class names leads to. */
  readonly reachesClass: (classes: readonly string[]) => boolean;
  /** Signs a stream token. */
  readonly issueStreamToken: (grant: StreamGrant) => Promise<string>;
  /** Signs the token of a link. */
  readonly issueLinkToken: (grant: LinkGrant) => Promise<string>;
  /** @returns undefined if the token is not one of this gateway, or has expired. */
  readonly readLinkToken: (token: string) => Promise<LinkGrant | undefined>;
  /** Whether the caller may decide what an agent asks. */
  readonly mayDecideAt: (path: AgentPath) => boolean;
  /** Under which the gateway is reached, as `https://example.com`. */
  readonly origin: string;
  /** Names of the senders of callbacks, which are shown where names of keys are. */
  readonly senderNames: readonly string[];
  /** Makes a new secret of a key; of a new key unless an id is given. */
  readonly mintKey: (id?: string) => Promise<MintedKey>;
}

export type RestMethod = "get" | "post" | "put" | "patch" | "delete";

/** How REST shows an operation. */
export interface RestShape<Over> {
  readonly method: RestMethod;
  /** Whether `Prefer: wait=N` holds the answer until the instance that it shows has ended, or there is an event to show. */
  readonly waits?: boolean;
  /** Reads the entity tag of the answer. */
  readonly etag?: (answer: unknown) => string;
  /** Appended to the path of the agent; the whole path where there is none. */
  readonly path: (subject: Over) => string;
  readonly status: 200 | 201 | 202;
  /** Whether the answer says that something was made, which is a 201. */
  readonly created?: (answer: unknown) => boolean;
  /** Reads the address of what was made from the answer. */
  readonly location?: (answer: unknown) => string;
}

/** What doors know of every operation, whatever it is about. */
export interface Operation<Over = unknown, Schemas extends OperationSchemas = OperationSchemas> {
  /** Its id in documents and SDKs, `verbNoun`. */
  readonly id: (subject: Over) => string;
  readonly summary: (subject: Over) => string;
  /** What else a caller should know, in Markdown. */
  readonly description: string;
  /** The scope that a caller needs; null if anybody may call it. */
  readonly scope: Scope | null;
  /** Whether callers are let in by their signature of the body, and not by a key. */
  readonly signed?: true;
  /**
   * How far it goes beyond the agent that it is about: to all agents `below` it, always or where the query says
   * `scope=subtree`; or, where it is about none, to the `whole` gateway. The caller must reach all of that.
   */
  readonly extent?: "below" | "whole";
  readonly rest: RestShape<Over>;
  /** What a door that takes everything in one object calls the body, where its fields do not stand beside the others. */
  readonly bodyAs?: string;
  /** False where an idempotency key is of no use: repeating the operation does nothing, or nothing is kept of it. */
  readonly once?: false;
  /** `events` answers with a stretch of a journal, which a door may go on to stream. */
  readonly kind?: "answer" | "events";
  readonly schemas: (subject: Over) => Schemas;
  /** Whether the answer was parsed: its schema's defaults and transforms are done. */
  readonly parsed?: true;
  /** Codes of its own; those that every operation of its kind shares are added by {@link problemsOf}. */
  readonly problems: readonly ProblemCode[];
  readonly answer: (asked: Asked<Schemas>, reach: Reach, subject: Over) => Promise<unknown>;
}

/** Types an operation by its own schemas. */
export function operation<Over>() {
  return <const Schemas extends OperationSchemas>(
    definition: Operation<Over, Schemas>,
  ): Operation<Over, Schemas> => definition;
}

/** Every code that an operation can answer with: its own, and those that follow from its shape. */
export function problemsOf(
  { scope, problems, once, signed }: Pick<Operation, "scope" | "problems" | "once" | "signed">,
  method: RestMethod,
  schemas: OperationSchemas,
  aboutAgent: boolean,
): ProblemCode[] {
  const takesInput = schemas.params ?? schemas.query ?? schemas.body;
  const codes: ProblemCode[] = [
    ...problems,
    "internal_error",
    "uri_too_long",
    "headers_too_large",
    "too_many_requests",
    ...(method === "get" || once === false ? [] : (["idempotency_key_reused"] as const)),
    ...(scope === null ? [] : (["unauthorized", "gateway_not_configured"] as const)),
    ...(scope === null || signed ? [] : (["forbidden", "credentials_unchecked"] as const)),
    ...(aboutAgent ? (["agent_not_found", "agent_unavailable", "invalid_request"] as const) : []),
    ...(takesInput === undefined ? [] : (["invalid_request"] as const)),
    ...(schemas.body === undefined
      ? []
      : (["malformed_json", "unsupported_media_type", "payload_too_large"] as const)),
  ];
  return [...new Set(codes)];
}
