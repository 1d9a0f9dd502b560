import type { Agent, Connection, ConnectionContext } from "agents";
import { isTail, readTailRequest, type TailRequest, tailTags } from "./tail";

/** What a class of Agents does with its tails. */
export interface TailHost {
  /** Path of the agent, as clients see it. */
  gatewayPath(agent: Agent): string;
  /** Whether a request opens a tail of an agent below. */
  passesTail(agent: Agent, request: Request): boolean;
  startTail(agent: Agent, connection: Connection, request: TailRequest): void;
  leaveTail(agent: Agent, connection: Connection): void;
}

type Hooked = Pick<
  Agent,
  | "onConnect"
  | "onMessage"
  | "onClose"
  | "onBeforeSubAgent"
  | "getConnectionTags"
  | "shouldSendProtocolMessages"
>;

const guarded = new WeakSet<Hooked>();

/**
 * Takes tails out in front of the hooks that an author may override without calling what they override. It must be done
 * on the prototype of the concrete class, before the SDK's constructor binds its hooks. Once per class.
 */
export function keepTailsFromAuthor(prototype: Hooked, host: TailHost): void {
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  const { onConnect, onMessage, onClose, onBeforeSubAgent, getConnectionTags, shouldSendProtocolMessages } =
    prototype;

  const tailOf = (agent: Agent, { request }: ConnectionContext) =>
    readTailRequest(request, () => host.gatewayPath(agent));

  prototype.onConnect = function onConnectUnlessTail(this: Agent, connection, context) {
    const tail = tailOf(this, context);
    if (tail === undefined) return onConnect.call(this, connection, context);
    host.startTail(this, connection, tail);
  };
  prototype.getConnectionTags = function tagsOfTailOrAuthor(this: Agent, connection, context) {
    const tail = tailOf(this, context);
    return tail === undefined ? getConnectionTags.call(this, connection, context) : tailTags(tail);
  };
  prototype.shouldSendProtocolMessages = function notToTails(this: Agent, connection, context) {
    return tailOf(this, context) === undefined && shouldSendProtocolMessages.call(this, connection, context);
  };
  prototype.onBeforeSubAgent = async function gateUnlessTail(this: Agent, request, child) {
    if (!host.passesTail(this, request)) return onBeforeSubAgent.call(this, request, child);
  };
  prototype.onMessage = function onMessageUnlessTail(this: Agent, connection, message) {
    if (!isTail(connection)) return onMessage.call(this, connection, message);
  };
  prototype.onClose = function onCloseUnlessTail(this: Agent, connection, code, reason, wasClean) {
    if (!isTail(connection)) return onClose.call(this, connection, code, reason, wasClean);
    host.leaveTail(this, connection);
  };
}
