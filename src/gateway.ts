export { withGateway, type GatewayMembers, type StartOptions } from "./gateway/agent/with-gateway";
export { GatewayDirectory } from "./gateway/directory/gateway-directory";
export { WebhookEndpoint } from "./gateway/webhook/webhook-endpoint";
export { Name } from "./gateway/contract/names";
export { createGateway, type GatewayOptions } from "./gateway/app";
export { defineAgent } from "./gateway/registry/agent-definition";
export { DefinitionError } from "./gateway/registry/definition-error";
export {
  type ApprovalOf,
  DefaultProgress,
  defineWorkflow,
  type EventsOf,
  type OutputOf,
  type ParamsOf,
  type ProgressOf,
} from "./gateway/registry/workflow-definition";
export { type GateOptions, GatewayWorkflow } from "./gateway/workflow/gateway-workflow";
