import { z } from "zod";
import { reachesClass, WHOLE_GATEWAY } from "../auth/grant";
import type { Principal } from "../auth/principal";
import { ProblemError } from "../contract/problem";
import { Scope } from "../contract/scope";
import type { Tool } from "./tools";

/** The scopes by which a connection may change something, as its address lists them: none where it says nothing. */
export type Allowed = ReadonlySet<Scope>;

const AllowQuery = z.strictObject({
  allow: z
    .tuple([z.string()])
    .default([""])
    .transform(([text]) => text.split(",").filter((word) => word !== ""))
    .pipe(z.array(Scope)),
});

/**
 * What a connection may do beside reading: `/mcp?allow=instances:start,approvals:decide`.
 *
 * @throws ProblemError `invalid_request`
 */
export function allowedBy(query: Readonly<Record<string, readonly string[]>>): Allowed {
  const read = AllowQuery.safeParse(query);
  if (read.success) return new Set(read.data.allow);
  throw new ProblemError("invalid_request", {
    detail: `The query of this address may have one field, allow: scopes, with commas between them, of ${Scope.options.join(", ")}.`,
  });
}

/** The tools that a caller is shown: those that its credentials could do somewhere, and its connection lets it do. */
export function offered(tools: readonly Tool[], principal: Principal, allowed: Allowed): Tool[] {
  return tools.filter((tool) => isAllowed(tool, allowed) && mayUse(principal, tool));
}

/** @throws ProblemError `forbidden` if a connection is not meant to do what a tool does, whatever the credentials are good for. */
export function requireAllowed(tool: Tool, allowed: Allowed): void {
  if (isAllowed(tool, allowed)) return;
  throw new ProblemError("forbidden", {
    detail: `This connection only reads. Its address must say allow=${tool.operation.operation.scope}, if it is to do this.`,
  });
}

function isAllowed({ reads, operation: { operation } }: Tool, allowed: Allowed): boolean {
  return reads || operation.scope === null || allowed.has(operation.scope);
}

function mayUse(principal: Principal, { operation: { operation, subject } }: Tool): boolean {
  const { scope, extent } = operation;
  if (scope === null) return true;
  if (subject === undefined) return principal.may(scope, extent === "whole" ? WHOLE_GATEWAY : undefined);
  return (
    principal.may(scope, undefined) &&
    reachesClass(
      principal,
      subject.chain.map(({ name }) => name),
    )
  );
}
