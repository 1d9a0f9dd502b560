import { type AnyTRPCProcedure, initTRPC, type TRPCRouterRecord } from "@trpc/server";
import { requireJson } from "../../../routes/json-text";
import { DefinitionError } from "../registry/definition-error";
import type { BoundOperation } from "../operations/table";
import type { Registry } from "../registry/registry";
import { toShape, toTrpcError } from "./failure";
import { agentWord, GATEWAY, methodWord, workflowWord } from "./names";
import { answerCall, answerSubscription, type CallContext, type TrpcContext } from "./procedures";
import { whileRead } from "./while-read";

/** How often a stream says that it lives, in milliseconds. */
const HEARTBEAT_MS = 15_000;

const t = initTRPC.context<TrpcContext>().create({
  // Otherwise errors show their stack.
  isDev: false,
  errorFormatter: ({ shape, error, ctx }) => toShape(shape, error, ctx?.c.get("requestId")),
  sse: {
    ping: { enabled: true, intervalMs: HEARTBEAT_MS },
    client: { reconnectAfterInactivityMs: HEARTBEAT_MS * 2.5 },
  },
});

/** By what errors are shaped, also those of requests of which tRPC never hears. */
export const errorConfig = t._config;

/** A procedure, and where it is: `catalog.importDataset.start`. */
export interface PlacedProcedure {
  readonly path: readonly string[];
  readonly type: "query" | "mutation" | "subscription";
  readonly operation: BoundOperation;
}

/**
 * Every procedure that the operations make: of each one, and of a journal two, to read and to follow it. What is let in by the
 * signature of its body is none: tRPC's clients write bodies of their own.
 *
 * @throws DefinitionError if two of them would be at one place, or one where others are below.
 */
export function placeProcedures(operations: readonly BoundOperation[]): PlacedProcedure[] {
  const procedures = operations.flatMap((operation): PlacedProcedure[] => {
    if (operation.operation.signed) return [];
    const { verb, method, rest } = operation;
    const way = placeOf(operation);
    if (method !== undefined)
      return [{ path: [...way, "methods", methodWord(method)], type: "mutation", operation }];
    if (operation.operation.kind === "events") {
      const list = verb.replace(/^stream/, "list");
      return [
        { path: [...way, verb], type: "subscription", operation },
        { path: [...way, list], type: "query", operation },
      ];
    }
    return [{ path: [...way, verb], type: rest.method === "get" ? "query" : "mutation", operation }];
  });
  refuseCollisions(procedures.map(({ path }) => path));
  return procedures;
}

function refuseCollisions(paths: readonly (readonly string[])[]): void {
  const taken = new Set<string>();
  const above = new Set(paths.flatMap((path) => path.map((_, depth) => path.slice(0, depth).join("."))));
  for (const path of paths) {
    const name = path.join(".");
    if (taken.has(name) || above.has(name))
      throw new DefinitionError(
        `Two things would be called "${name}" by tRPC. Rename one of them: a workflow, an agent or a method.`,
      );
    taken.add(name);
  }
}

function placeOf({ subject, workflow }: BoundOperation): readonly string[] {
  if (subject === undefined) return [GATEWAY];
  const way = subject.chain.flatMap(({ name }, depth) => [...(depth === 0 ? [] : ["sub"]), agentWord(name)]);
  return workflow === undefined ? way : [...way, workflowWord(workflow)];
}

/** Makes the router of all procedures. Its type is made by hand, in `app-router.ts`. */
export function createRouter(procedures: readonly PlacedProcedure[], registry: Registry) {
  const root: TRPCRouterRecord = {};
  for (const { path, type, operation } of procedures)
    place(root, path, procedureOf(operation, type, registry));
  return t.router(root);
}

function place(
  below: TRPCRouterRecord,
  [word = "", ...rest]: readonly string[],
  procedure: AnyTRPCProcedure,
): void {
  if (rest.length === 0) below[word] = procedure;
  else place((below[word] ??= {}) as TRPCRouterRecord, rest, procedure);
}

function procedureOf(
  operation: BoundOperation,
  type: PlacedProcedure["type"],
  registry: Registry,
): AnyTRPCProcedure {
  // Whoever asks is let in before anything of its input is read: it is read and checked behind this door.
  const procedure = t.procedure.use(({ ctx, getRawInput, next }) =>
    next({ ctx: { ...ctx, readInput: () => readRawInput(ctx, getRawInput) } }),
  );
  const answer = ({ ctx }: { ctx: CallContext }): Promise<unknown> =>
    throwing(ctx, () => answerCall(operation, registry, ctx));
  if (type === "query") return procedure.query(answer);
  if (type === "mutation") return procedure.mutation(answer);
  return procedure.subscription(async ({ ctx, signal = new AbortController().signal }) => {
    // What is refused at once is refused before the answer begins.
    const told = await throwing(ctx, () => answerSubscription(operation, registry, ctx, signal));
    return throwingWhile(ctx, whileRead(told, ctx.end));
  });
}

/** Reads the input of a call. What stands in a query is checked as a body is. */
async function readRawInput({ c }: TrpcContext, read: () => Promise<unknown>): Promise<unknown> {
  const sent = c.req.method === "GET" ? new URL(c.req.raw.url).searchParams.get("input") : null;
  if (sent) requireJson(new TextEncoder().encode(sent));
  return read();
}

/** Does something whose failures are told to a client of tRPC. */
async function throwing<Done>({ c }: TrpcContext, act: () => Promise<Done>): Promise<Done> {
  try {
    return await act();
  } catch (failure) {
    throw toTrpcError(failure, c.get("requestId"));
  }
}

/** The same for what comes one after the other. */
async function* throwingWhile<Item>(
  { c }: TrpcContext,
  items: AsyncIterable<Item>,
): AsyncGenerator<Item, void> {
  try {
    yield* items;
  } catch (failure) {
    // It breaks off, which is no failure.
    if (failure instanceof DOMException) throw failure;
    throw toTrpcError(failure, c.get("requestId"));
  }
}
