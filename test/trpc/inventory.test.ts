import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { openApiDocument } from "../../openapi/document.ts";
import type { GatewayEnv } from "../../routes/gateway-env.ts";
import { mountRest } from "../../routes/rest.ts";
import { createTools } from "../../src/gateway/mcp/tools.ts";
import { agentTemplate } from "../../src/gateway/operations/agents.ts";
import { type BoundOperation, bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { TAKEN } from "../../src/gateway/trpc/names.ts";
import { createRouter, placeProcedures } from "../../src/gateway/trpc/router.ts";
import { roots } from "../operations/sample.ts";
import { PROCEDURES } from "./sample-procedures.ts";

/**
 * Operations, by their verb, that a door leaves out, and why. A verb without a line here is at every door.
 */
const LEFT_OUT: Readonly<Record<"rest" | "document" | "trpc" | "mcp", Readonly<Record<string, string>>>> = {
  rest: {},
  document: {},
  trpc: {
    receiveApprovalCallback:
      "it is let in by a signature over its raw body, which tRPC's clients write by themselves, and do not sign",
  },
  mcp: {
    receiveApprovalCallback:
      "it is let in by a signature over its raw body, which clients of MCP write by themselves, and do not sign",
  },
};

/**
 * Ways of an operation that a door leaves out, and why: a journal can be followed at the others.
 */
const NOT_FOLLOWED = {
  mcp: "the answer to a call is one result: a model reads pages, which `waitSeconds` holds until there is an event",
};

const registry = createRegistry(roots);
const operations = bindOperations(registry);
const app = new Hono<GatewayEnv>();
mountRest(app, operations, registry);

const addressOf = ({ rest, subject }: BoundOperation): string =>
  `${rest.method} ${subject === undefined ? "" : agentTemplate(subject.chain)}${rest.path}`;
const addresses = new Map(operations.map((operation) => [addressOf(operation), operation.id]));

/** Ids of the operations at each door. */
const DOORS = {
  rest: app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
    .map((address) => addresses.get(address) ?? `nobody knows ${address}`),
  document: Object.values(openApiDocument(operations, { title: "x", version: "0.0.0" }).paths)
    .flatMap((item) => Object.values(item))
    .map(({ operationId }) => operationId),
  trpc: placeProcedures(operations).map(({ operation }) => operation.id),
  mcp: createTools(operations).map(({ operation }) => operation.id),
};

describe.each(Object.keys(DOORS) as (keyof typeof DOORS)[])("the inventory of %s", (door) => {
  test("has every operation, but those for which there is a reason", () => {
    const left = operations.filter(({ verb }) => verb in LEFT_OUT[door]).map(({ id }) => id);
    const there = new Set(DOORS[door]);
    expect(operations.map(({ id }) => id).filter((id) => !there.has(id))).toEqual(left);
  });

  test("has no operation that is not in the table", () => {
    const known = new Set(operations.map(({ id }) => id));
    expect(DOORS[door].filter((id) => !known.has(id))).toEqual([]);
  });

  test("gives reasons only for operations that there are", () => {
    const verbs = new Set(operations.map(({ verb }) => verb));
    expect(Object.keys(LEFT_OUT[door]).filter((verb) => !verbs.has(verb))).toEqual([]);
  });
});

test("a journal is one tool, which reads it, at the door that cannot follow it", () => {
  const journals = operations.filter(({ operation }) => operation.kind === "events");
  const ways = (door: readonly string[]) =>
    journals.map(({ id }) => door.filter((served) => served === id).length);
  expect(ways(DOORS.trpc)).toEqual(journals.map(() => 2));
  expect(ways(DOORS.mcp), NOT_FOLLOWED.mcp).toEqual(journals.map(() => 1));
});

describe("the tRPC router", () => {
  const placed = placeProcedures(operations).map(({ type, path }) => `${type} ${path.join(".")}`);

  test("has each procedure at a place of its own, where its type says that it is", () => {
    expect(new Set(placed).size).toBe(placed.length);
    expect(placed.toSorted()).toEqual(PROCEDURES.toSorted());
  });

  test("is made of these procedures", () => {
    const { procedures } = createRouter(placeProcedures(operations), registry)._def;
    const made = Object.entries(procedures as Record<string, { _def: { type: string } }>);
    expect(made.map(([path, { _def }]) => `${_def.type} ${path}`).toSorted()).toEqual(placed.toSorted());
  });

  test("keeps every word that stands beside those of workflows", () => {
    const beside = placeProcedures(operations)
      .filter(({ operation }) => operation.subject !== undefined && operation.workflow === undefined)
      .filter(({ operation }) => operation.method === undefined)
      .map(({ path }) => path.at(-1));
    expect(beside.filter((word) => !(TAKEN as readonly (string | undefined)[]).includes(word))).toEqual([]);
  });

  test("has a name of its own for each part of an input", () => {
    const clashes = operations.flatMap(({ id, operation, subject, schemas }) => {
      const body =
        schemas.body !== undefined && "shape" in schemas.body
          ? Object.keys(schemas.body.shape as object)
          : [];
      const names = [
        ...(subject === undefined ? [] : ["name"]),
        "idempotencyKey",
        "ifMatch",
        ...Object.keys(schemas.params?.shape ?? {}),
        ...Object.keys(schemas.query?.shape ?? {}),
        ...(operation.bodyAs === undefined ? body : [operation.bodyAs]),
      ];
      return names.length === new Set(names).size ? [] : [id];
    });
    expect(clashes).toEqual([]);
  });
});
