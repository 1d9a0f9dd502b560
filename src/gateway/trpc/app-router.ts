import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCRouterRecord,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
import type { z } from "zod";
import type { AgentView, Catalogue, ChildView, CreatedChild, DeletedChild } from "../contract/agent";
import type { Approval } from "../contract/approval";
import type { ApprovalWithHistory } from "../contract/approval-history";
import type { AuditEntry, AuditVerification } from "../contract/audit";
import type { EventType, InstanceEventType } from "../contract/event";
import type { Deleted, Migrated, SentEvent } from "../contract/instance";
import type { ApiKey, CreateKeyRequest, IssuedKey, RotateKeyRequest } from "../contract/key";
import type { GatewayLimits } from "../contract/limits";
import type { ApprovalLink, NewApprovalLink } from "../contract/link";
import type { Page } from "../contract/page";
import type { StepEvent } from "../contract/step-event";
import type { StreamToken } from "../contract/stream-token";
import type {
  DeletedEndpoint,
  Delivery,
  DeliveryStatus,
  DeliveryWithAttempts,
  Endpoint,
  EndpointChange,
  EndpointSettings,
  EndpointWithSecret,
  Redelivered,
  Redelivery,
  SentTest,
} from "../contract/webhook";
import type { LinkBody } from "../operations/links";
import type { AnySchema } from "../registry/any-schema";
import type { AnyAgent } from "../registry/agent-definition";
import type {
  ApprovalFilters,
  ApprovalInput,
  ChildrenOf,
  EventInputs,
  EventOf,
  EventPage,
  FoundStateOf,
  InstanceFilters,
  InstanceOf,
  InstancePage,
  MethodInput,
  MethodOutput,
  ParamsInput,
  Reach,
  RestartOptions,
  RootsOf,
  StartedOf,
  StartOptions,
  StateInput,
  StateUpdatedEvent,
  StateViewOf,
  StreamNotice,
  TypedGateway,
  WorkflowsBelow,
  WorkflowsOf,
} from "../registry/wire";
import type { AnyWorkflow } from "../registry/workflow-definition";
import type { ErrorShape } from "./failure";
import type { AgentWord, MethodWord, WorkflowWord } from "./names";

// The type of the router, made by hand, since the router itself is made from the table of operations as it runs. That both
// have the same procedures is tested.

interface Definition<Input, Output> {
  meta: object;
  input: Input;
  output: Output;
  errorShape: unknown;
}
type Query<Input, Output> = TRPCQueryProcedure<Definition<Input, Output>>;
type Mutation<Input, Output> = TRPCMutationProcedure<Definition<Input, Output>>;
/** What a subscription gives: frames with the cursor by which it is gone on with. */
type Subscription<Input, Frame> = TRPCSubscriptionProcedure<
  Definition<Input, AsyncIterable<{ id: string; data: Frame }, void, unknown>>
>;

/** What every change takes: a key that makes its repeat harmless. */
interface Once {
  readonly idempotencyKey?: string | undefined;
}
interface Paged {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}
interface OfInstance {
  readonly instanceId: string;
}
interface OfApproval {
  readonly approvalId: string;
}
interface OfKey {
  readonly keyId: string;
}
interface OfEndpoint {
  readonly endpointId: string;
}
interface OfDelivery extends OfEndpoint {
  readonly deliveryId: string;
}
interface Tag {
  readonly ifMatch?: string | undefined;
}
interface EventsInput<Type extends string> {
  /** Cursor to go on after. */
  readonly after?: string | undefined;
  /** What tRPC's clients send when they come back; it wins over `after`. */
  readonly lastEventId?: string | null | undefined;
  readonly from?: "start" | "now" | undefined;
  readonly type?: readonly Type[] | undefined;
  readonly limit?: number | undefined;
}

/** The metadata of a decision, as far as it is needed: of several workflows, what any of them takes. */
type DecisionOf<Workflow extends AnyWorkflow> = {
  readonly reason?: string | undefined;
} & (undefined extends ApprovalInput<Workflow>
  ? { readonly metadata?: ApprovalInput<Workflow> }
  : { readonly metadata: ApprovalInput<Workflow> });
type RejectionOf<Workflow extends AnyWorkflow> = {
  readonly reason?: string | undefined;
  readonly metadata?: ApprovalInput<Workflow> | undefined;
};

/** An event that an instance takes: its type, and the payload of that type. */
type SentOf<Workflow extends AnyWorkflow> = Workflow extends AnyWorkflow
  ? {
      [Type in keyof EventInputs<Workflow>]: {
        readonly type: Type;
        readonly payload: EventInputs<Workflow>[Type];
      };
    }[keyof EventInputs<Workflow>]
  : never;

/** What is about the gateway itself. */
interface GatewayProcedures extends KeyProcedures, WebhookProcedures {
  getHealth: Query<void, { status: "ok" }>;
  getReadiness: Query<void, { status: "ready" }>;
  getLimits: Query<void, GatewayLimits>;
  listAgents: Query<void, Catalogue>;
  listAudit: Query<Paged | void, Page<AuditEntry>>;
  verifyAudit: Query<{ readonly cursor?: string | undefined } | void, AuditVerification>;
}

interface KeyProcedures {
  listKeys: Query<Paged | void, Page<ApiKey>>;
  getKey: Query<OfKey, ApiKey>;
  createKey: Mutation<z.input<typeof CreateKeyRequest>, IssuedKey>;
  rotateKey: Mutation<OfKey & z.input<typeof RotateKeyRequest>, IssuedKey>;
  revokeKey: Mutation<OfKey, ApiKey>;
}
interface WebhookProcedures {
  listWebhookEndpoints: Query<Paged | void, Page<Endpoint>>;
  createWebhookEndpoint: Mutation<Once & z.input<typeof EndpointSettings>, EndpointWithSecret>;
  getWebhookEndpoint: Query<OfEndpoint, Endpoint>;
  updateWebhookEndpoint: Mutation<OfEndpoint & Once & z.input<typeof EndpointChange>, Endpoint>;
  deleteWebhookEndpoint: Mutation<OfEndpoint & Once, DeletedEndpoint>;
  testWebhookEndpoint: Mutation<OfEndpoint & Once, SentTest>;
  enableWebhookEndpoint: Mutation<OfEndpoint & Once, Endpoint>;
  rotateWebhookEndpointSecret: Mutation<OfEndpoint & Once, EndpointWithSecret>;
  listWebhookDeliveries: Query<
    OfEndpoint & Paged & { readonly status?: DeliveryStatus | undefined },
    Page<Delivery>
  >;
  getWebhookDelivery: Query<OfDelivery, DeliveryWithAttempts>;
  redeliverWebhookDelivery: Mutation<OfDelivery & Once, Delivery>;
  redeliverWebhookDeliveries: Mutation<OfEndpoint & Once & z.input<typeof Redelivery>, Redelivered>;
}

/** Of every agent. `At` names it. */
interface AgentProcedures<At> {
  get: Query<At, AgentView>;
}
/** Of agents to which anything can be done. */
interface AuditProcedures<At> {
  listAudit: Query<At & Paged, Page<AuditEntry>>;
  verifyAudit: Query<At & { readonly cursor?: string | undefined }, AuditVerification>;
}
interface SubAgentProcedures<At> {
  create: Mutation<At, CreatedChild>;
  delete: Mutation<At & Once, DeletedChild>;
}
interface ParentProcedures<At, Agent extends AnyAgent> {
  listChildren: Query<
    At & Paged & { readonly agent?: ChildrenOf<Agent>["name"] | undefined },
    Page<ChildView>
  >;
}
interface StateProcedures<At, Agent extends AnyAgent> {
  getState: Query<At, FoundStateOf<Agent>>;
  replaceState: Mutation<At & Once & Tag & { readonly state: StateInput<Agent> }, StateViewOf<Agent>>;
  mergeState: Mutation<At & Once & Tag & { readonly patch: Partial<StateInput<Agent>> }, StateViewOf<Agent>>;
  resetState: Mutation<At & Once & Tag, FoundStateOf<Agent>>;
}
interface ListProcedures<At, Below extends AnyWorkflow> {
  listInstances: Query<
    At &
      Paged &
      InstanceFilters & {
        readonly workflow?: Below["name"] | undefined;
        readonly scope?: Reach | undefined;
        readonly order?: "newest" | "oldest" | undefined;
        readonly count?: boolean | undefined;
      },
    InstancePage<InstanceOf<Below>>
  >;
  deleteInstances: Mutation<
    At &
      Once &
      InstanceFilters & {
        readonly workflow?: Below["name"] | undefined;
        readonly scope?: Reach | undefined;
        readonly force?: boolean | undefined;
        readonly cursor?: string | undefined;
      },
    Deleted
  >;
  listApprovals: Query<
    At & Paged & ApprovalFilters<Below["name"]> & { readonly scope?: Reach | undefined },
    Page<Approval>
  >;
}
interface InstanceProcedures<At, Workflow extends AnyWorkflow> {
  getInstance: Query<At & OfInstance, InstanceOf<Workflow>>;
  deleteInstance: Mutation<At & OfInstance & Once & { readonly force?: boolean | undefined }, Deleted>;
  pauseInstance: Mutation<At & OfInstance & Once, InstanceOf<Workflow>>;
  resumeInstance: Mutation<At & OfInstance & Once, InstanceOf<Workflow>>;
  terminateInstance: Mutation<
    At & OfInstance & Once & { readonly rollback?: boolean | undefined },
    InstanceOf<Workflow>
  >;
  restartInstance: Mutation<At & OfInstance & Once & RestartOptions, InstanceOf<Workflow>>;
  approveInstance: Mutation<At & OfInstance & Once & DecisionOf<Workflow>, Approval>;
  rejectInstance: Mutation<At & OfInstance & Once & RejectionOf<Workflow>, Approval>;
  sendInstanceEvent: Mutation<
    At & OfInstance & Once & SentOf<Workflow> & { readonly require?: "waiting" | undefined },
    SentEvent
  >;
  streamInstanceEvents: Subscription<
    At & OfInstance & EventsInput<InstanceEventType> & { readonly include?: "steps" | undefined },
    EventOf<Workflow> | StepEvent | StreamNotice
  >;
  listInstanceEvents: Query<
    At & OfInstance & EventsInput<InstanceEventType> & { readonly include?: "steps" | undefined },
    EventPage<EventOf<Workflow> | StepEvent>
  >;
  createInstanceStreamToken: Mutation<
    At & OfInstance & { readonly ttlSeconds?: number | undefined },
    StreamToken
  >;
  getApproval: Query<At & OfApproval, ApprovalWithHistory>;
  approveApproval: Mutation<At & OfApproval & Once & DecisionOf<Workflow>, Approval>;
  rejectApproval: Mutation<At & OfApproval & Once & RejectionOf<Workflow>, Approval>;
  createApprovalLink: Mutation<At & OfApproval & Once & z.input<typeof LinkBody>, NewApprovalLink>;
  listApprovalLinks: Query<At & OfApproval, { readonly items: readonly ApprovalLink[] }>;
  revokeApprovalLink: Mutation<At & OfApproval & { readonly linkId: string }, ApprovalLink>;
}
interface EventsProcedures<At, Below extends AnyWorkflow> {
  streamEvents: Subscription<
    At &
      EventsInput<EventType> & {
        readonly workflow?: Below["name"] | undefined;
        readonly scope?: Reach | undefined;
      },
    EventOf<Below> | StateUpdatedEvent | StreamNotice
  >;
  listEvents: Query<
    At &
      EventsInput<EventType> & {
        readonly workflow?: Below["name"] | undefined;
        readonly scope?: Reach | undefined;
      },
    EventPage<EventOf<Below> | StateUpdatedEvent>
  >;
  createStreamToken: Mutation<At & { readonly ttlSeconds?: number | undefined }, StreamToken>;
  revokeStreamToken: Mutation<At & { readonly tokenId: string }, { revoked: true }>;
}
interface WorkflowProcedures<At, Workflow extends AnyWorkflow> {
  start: Mutation<
    At & Once & StartOptions & { readonly params: ParamsInput<Workflow> },
    InstanceOf<Workflow>
  >;
  startBatch: Mutation<
    At & Once & { readonly items: readonly ({ readonly params: ParamsInput<Workflow> } & StartOptions)[] },
    { readonly items: readonly StartedOf<Workflow>[] }
  >;
  migrateBinding: Mutation<At & Once & { readonly from: string }, Migrated>;
}

/** All of an object type in one, so that what it is made of does not show; a record, which interfaces are not. */
type Flat<Shape> = { [Key in keyof Shape]: Shape[Key] };
/** What is there only if a union has any member. */
type IfAny<Union, Shape> = [Union] extends [never] ? unknown : Shape;
type HasStateBelow<Agent extends AnyAgent> = Agent extends AnyAgent
  ? Agent["state"] extends AnySchema
    ? true
    : HasStateBelow<ChildrenOf<Agent>>
  : never;

type StateIn<Agent extends AnyAgent> = Agent["state"] extends AnySchema ? true : never;

/** The names on the way to an agent: of a root agent one, which may come without a list. */
interface Address<Way extends readonly string[]> {
  readonly name: Way extends readonly [string] ? string | Way : Way;
}

type AgentRecord<Agent extends AnyAgent, Way extends readonly string[] = readonly [string]> = Flat<
  AgentProcedures<Address<Way>> &
    (Way extends readonly [string] ? unknown : SubAgentProcedures<Address<Way>>) &
    IfAny<ChildrenOf<Agent>, ParentProcedures<Address<Way>, Agent>> &
    (Agent["state"] extends AnySchema ? StateProcedures<Address<Way>, Agent> : unknown) &
    IfAny<WorkflowsBelow<Agent>, ListProcedures<Address<Way>, WorkflowsBelow<Agent>>> &
    IfAny<WorkflowsOf<Agent>, InstanceProcedures<Address<Way>, WorkflowsOf<Agent>>> &
    IfAny<
      WorkflowsOf<Agent> | ChildrenOf<Agent> | keyof Agent["methods"] | StateIn<Agent>,
      AuditProcedures<Address<Way>>
    > &
    IfAny<
      WorkflowsBelow<Agent> | HasStateBelow<Agent>,
      EventsProcedures<Address<Way>, WorkflowsBelow<Agent>>
    > & {
      [Workflow in WorkflowsOf<Agent> as WorkflowWord<Workflow["name"]>]: Flat<
        WorkflowProcedures<Address<Way>, Workflow>
      >;
    } & IfAny<
      keyof Agent["methods"],
      {
        methods: {
          [Method in keyof Agent["methods"] & string as MethodWord<Method>]: Mutation<
            Address<Way> & Once & { readonly input: MethodInput<Agent, Method> },
            MethodOutput<Agent, Method>
          >;
        };
      }
    > &
    IfAny<
      ChildrenOf<Agent>,
      {
        sub: {
          [Child in ChildrenOf<Agent> as AgentWord<Child["name"]>]: AgentRecord<
            Child,
            readonly [...Way, string]
          >;
        };
      }
    >
>;

interface Root {
  ctx: object;
  meta: object;
  errorShape: ErrorShape;
  transformer: false;
}

/**
 * The type of the tRPC router of a gateway: `createTRPCClient<AppRouter<typeof gateway>>({ links })`. What is not known more
 * closely is not walked: it has no end.
 */
export type AppRouter<App extends TypedGateway> = string extends RootsOf<App>["name"]
  ? TRPCBuiltRouter<Root, TRPCRouterRecord>
  : TRPCBuiltRouter<
      Root,
      { gateway: Flat<GatewayProcedures> } & {
        [Agent in RootsOf<App> as AgentWord<Agent["name"]>]: AgentRecord<Agent>;
      }
    >;
