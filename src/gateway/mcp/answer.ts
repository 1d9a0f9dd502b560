import type { Context } from "hono";
import { quotaOf } from "../../../routes/asking";
import { eventPage, journalSource } from "../../../routes/events";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { problemIn } from "../../../routes/problem-response";
import { type ReceivedCall, receiveCall } from "../../../routes/receive";
import { holdInstance, holdPage } from "../../../routes/waiting";
import type { Instance } from "../contract/instance";
import { type Problem, placesOf, problemDocument, ProblemError } from "../contract/problem";
import { watchOf } from "../operations/events";
import type { BoundOperation } from "../operations/table";
import type { EventsAnswer } from "../port";
import type { Registry } from "../registry/registry";
import { type Allowed, requireAllowed } from "./offer";
import { WaitSeconds } from "./schemas";
import type { Tool } from "./tools";

/** What a call comes to, as MCP tells it: the answer as text, and as a value if that is an object. */
export interface ToolResult {
  readonly content: { readonly type: "text"; readonly text: string }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly isError?: true;
}

/** A call of a tool. */
export interface ToolCall {
  readonly tool: Tool;
  readonly input: unknown;
  readonly allowed: Allowed;
}

/** Answers a call of a tool as REST answers its request. What is refused, or fails, is a result too: with the problem. */
export async function answerCall(
  c: Context<GatewayEnv>,
  registry: Registry,
  call: ToolCall,
): Promise<ToolResult> {
  try {
    return toResult(await answer(c, registry, call));
  } catch (failure) {
    const { code, extras } = problemIn(failure, c.get("requestId"));
    c.set("problem", code);
    const problem: Problem = problemDocument(code, extras, c.get("requestId"));
    return { ...toResult(problem), isError: true };
  }
}

async function answer(
  c: Context<GatewayEnv>,
  registry: Registry,
  { tool, input, allowed }: ToolCall,
): Promise<unknown> {
  requireAllowed(tool, allowed);
  const { operation } = tool;
  const principal = operation.operation.scope === null ? undefined : c.get("principal");
  const { wait, asks } = takeWait(operation, input);
  const received = await receiveCall(c, registry, operation, {
    door: "mcp",
    principal,
    read: () => Promise.resolve(asks),
  });
  const seconds = secondsOf(wait);
  if (operation.operation.kind === "events") return readPage(c, operation, received, seconds);
  const answered = await operation.answer(received.asked, received.reach);
  return seconds === undefined ? answered : hold(c, received, answered as Instance, seconds);
}

/** Takes out of an input how long its answer may be held. */
function takeWait({ rest }: BoundOperation, input: unknown): { wait?: unknown; asks: unknown } {
  if (!rest.waits || typeof input !== "object" || input === null || !("waitSeconds" in input))
    return { asks: input };
  const { waitSeconds: wait, ...asks } = input;
  return { wait, asks };
}

function secondsOf(wait: unknown): number | undefined {
  const checked = WaitSeconds.optional().safeParse(wait);
  if (checked.success) return checked.data;
  const places = placesOf(checked.error, "body", ["waitSeconds"]);
  throw new ProblemError("invalid_request", {
    detail: places.map(({ pointer, message }) => `input${pointer}: ${message}`).join("; "),
    errors: places,
  });
}

async function readPage(
  c: Context<GatewayEnv>,
  operation: BoundOperation,
  { asked, reach }: ReceivedCall,
  seconds: number | undefined,
): Promise<object> {
  const quota = quotaOf(c, asked.caller);
  const read = (counted: boolean) =>
    operation.answer({ ...asked, quota: counted ? quota : undefined }, reach) as Promise<EventsAnswer>;
  const page = await read(false);
  if (seconds === undefined) return eventPage(page);
  const source = journalSource(reach, watchOf({ ...asked, quota }));
  return eventPage(await holdPage(c, page, seconds, source, read));
}

function hold(
  c: Context<GatewayEnv>,
  { asked, reach }: ReceivedCall,
  instance: Instance,
  seconds: number,
): Promise<Instance> {
  const { id } = instance;
  const source = journalSource(reach, { instanceId: id, quota: quotaOf(c, asked.caller) });
  return holdInstance(c, instance, seconds, source, () => reach.agent.getInstance({ id }));
}

function toResult(answered: unknown): ToolResult {
  // A method may answer with nothing.
  const text = JSON.stringify(answered) ?? "null";
  const isObject = typeof answered === "object" && answered !== null && !Array.isArray(answered);
  return {
    content: [{ type: "text", text }],
    // As it is on the wire: what JSON leaves out is no part of it.
    ...(isObject ? { structuredContent: JSON.parse(text) as Record<string, unknown> } : {}),
  };
}
