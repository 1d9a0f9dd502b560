export type {
  AgentView,
  Catalogue,
  CatalogueAgent,
  CatalogueWorkflow,
  ChildView,
  CreatedChild,
  DeletedChild,
} from "./gateway/contract/agent";
export type { Approval, ApprovalStatus, Decision, Vote } from "./gateway/contract/approval";
export type { ApprovalHistoryEntry, ApprovalWithHistory } from "./gateway/contract/approval-history";
export type { AuditEntry, AuditVerification } from "./gateway/contract/audit";
export type {
  AgentEvent,
  ControlFrame,
  EventType,
  GatewayEvent,
  InstanceEvent,
  InstanceEventType,
} from "./gateway/contract/event";
export type {
  Deleted,
  Instance,
  InstanceError,
  InstanceStatus,
  Metadata,
  Migrated,
  SentEvent,
  WaitingFor,
} from "./gateway/contract/instance";
export type { ApiKey, IssuedKey } from "./gateway/contract/key";
export type { ApprovalLink } from "./gateway/contract/link";
export type { Page } from "./gateway/contract/page";
export type { Problem, ProblemCode, ProblemPlace } from "./gateway/contract/problem";
export type { Scope } from "./gateway/contract/scope";
export type { StepEvent } from "./gateway/contract/step-event";
export type { StreamToken } from "./gateway/contract/stream-token";
export type {
  Attempt,
  Delivery,
  DeliveryStatus,
  DeliveryWithAttempts,
  Endpoint,
  EndpointSettings,
  EndpointWithSecret,
  WebhookType,
} from "./gateway/contract/webhook";
export type { EventOf, EventPage, InstanceOf, InstancePage, Json } from "./gateway/registry/wire";
