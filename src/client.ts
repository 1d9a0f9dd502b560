export { type Client, createClient } from "./gateway/client/client";
export {
  ClientError,
  ConnectionFailed,
  GatewayProblem,
  InstanceErrored,
  InstanceTerminated,
  StreamFailed,
  UnexpectedAnswer,
  WaitTimedOut,
  WorkflowMismatch,
} from "./gateway/client/errors";
export type { List } from "./gateway/client/list";
export type { Answer, Call, CallOptions, ChangeOptions, Connection } from "./gateway/client/transport";
export type { AgentClient, WorkflowClient } from "./gateway/client/types";
