import { describe, expect, test } from "vitest";
import { type ProblemCode, PROBLEMS } from "../../src/gateway/contract/problem.ts";
import { Scope } from "../../src/gateway/contract/scope.ts";
import { agentTemplate } from "../../src/gateway/operations/agents.ts";
import { problemsOf } from "../../src/gateway/operations/operation.ts";
import { type BoundOperation, bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { roots } from "./sample.ts";

const operations = bindOperations(createRegistry(roots));
const named = operations.map((operation) => [operation.id, operation] as const);

const addressOf = ({ rest, subject }: BoundOperation): string =>
  `${rest.method} ${subject === undefined ? "" : agentTemplate(subject.chain)}${rest.path}`;
const parametersOf = (operation: BoundOperation): string[] =>
  [...addressOf(operation).matchAll(/\{([^}]*)\}/g)].map(([, parameter = ""]) => parameter);
const problems = ({ operation, rest, schemas, subject }: BoundOperation): ProblemCode[] =>
  problemsOf(operation, rest.method, schemas, subject !== undefined);
const repeated = (texts: readonly string[]): string[] =>
  texts.filter((text, at) => texts.indexOf(text) !== at);

/** What anybody may ask. */
const PUBLIC: readonly string[] = ["getHealth", "getReadiness"];
/** What names its agent in the body. */
const IN_BODY: readonly string[] = ["receiveApprovalCallback"];
/** What takes its cursor in the body. */
const CURSOR_IN_BODY: readonly string[] = ["redeliverWebhookDeliveries"];

describe.each(named)("%s", (id, operation) => {
  test("has an id that is the name of a function: a verb and a noun", () => {
    expect(id).toMatch(/^[a-z]+(?:[A-Z][a-z0-9]*)+$/);
  });

  test("needs a scope, unless it is public on purpose", () => {
    const { scope } = operation.operation;
    expect(scope === null ? PUBLIC.includes(id) : Scope.options.includes(scope)).toBe(true);
  });

  test("has a summary of one line", () => {
    expect(operation.summary).toMatch(/^[A-Z][^\n]*[^.\s]$/);
  });

  test("has path parameters that are distinct and that its schemas name", () => {
    const parameters = parametersOf(operation);
    expect(repeated(parameters)).toEqual([]);
    const ofAgents = operation.subject?.chain.length ?? 0;
    expect(parameters.slice(ofAgents)).toEqual(Object.keys(operation.schemas.params?.shape ?? {}));
    expect(parameters.filter((parameter) => !/^[a-z][A-Za-z0-9]*$/.test(parameter))).toEqual([]);
  });

  test("has an address without odd segments", () => {
    const [, path = ""] = addressOf(operation).split(" ");
    const segments = path.split("/").slice(1);
    const odd = segments.filter((segment) => !/^(?:\{\w+\}|[A-Za-z][\w.-]*)$/.test(segment));
    expect(odd).toEqual([]);
  });

  test("declares problems that exist, each once", () => {
    const codes = problems(operation);
    expect(codes.filter((code) => !(code in PROBLEMS))).toEqual([]);
    expect(repeated(codes)).toEqual([]);
  });

  test("says 401 if, and only if, it has a scope, and 403 if a key may lack it", () => {
    const { scope, signed = false } = operation.operation;
    for (const code of ["unauthorized", "gateway_not_configured"] as const) {
      expect(problems(operation).includes(code), code).toBe(scope !== null);
    }
    expect(problems(operation).includes("forbidden")).toBe(scope !== null && !signed);
  });

  test("says that its agent may not be there if, and only if, it is about an agent", () => {
    const isAbout = operation.subject !== undefined;
    expect(problems(operation).includes("agent_not_found")).toBe(isAbout);
    expect(problems(operation).includes("agent_unavailable")).toBe(isAbout || IN_BODY.includes(id));
  });

  test("says what may be wrong with a body if, and only if, it takes one", () => {
    for (const code of ["malformed_json", "unsupported_media_type", "payload_too_large"] as const) {
      expect(problems(operation).includes(code), code).toBe(operation.schemas.body !== undefined);
    }
  });

  test("says that an instance, approval or cursor may be wrong if, and only if, it is asked with one", () => {
    const { params, query } = operation.schemas;
    const about = Object.keys(params?.shape ?? {});
    const asked = Object.keys({ ...params?.shape, ...query?.shape });
    expect(problems(operation).includes("instance_not_found")).toBe(about.includes("instanceId"));
    expect(problems(operation).includes("approval_not_found")).toBe(
      about.includes("approvalId") || IN_BODY.includes(id),
    );
    expect(problems(operation).includes("invalid_cursor")).toBe(
      asked.includes("cursor") || asked.includes("after") || CURSOR_IN_BODY.includes(id),
    );
  });

  test("refuses fields of its query that it does not know", () => {
    const { query } = operation.schemas;
    expect(query?.safeParse({ surprise: "1" }).success ?? false).toBe(false);
  });
});

const ofAgent = (name: string) =>
  operations.filter(({ subject }) => subject?.agent.name === name).map(({ id }) => id);

describe("the table of operations", () => {
  test("has every id once", () => expect(repeated(operations.map(({ id }) => id))).toEqual([]));

  test("has every address once", () => expect(repeated(operations.map(addressOf))).toEqual([]));

  test("says where to find what a start made", () => {
    const starts = operations.filter(({ rest }) => rest.status === 202 && rest.method === "post");
    expect(starts.map(({ id }) => id)).toContain("startRefundOrder");
    for (const { rest } of starts) expect(rest.location?.({ links: { self: "/x" } })).toBe("/x");
  });

  test("has the operations of instances, approvals and events only for agents that run workflows", () => {
    expect(ofAgent("plain")).toEqual(["getPlain"]);
    // A parent answers for what is below it.
    expect(ofAgent("returns")).toEqual([
      "getReturns",
      "listReturnsChildren",
      "listReturnsInstances",
      "deleteReturnsInstances",
      "listReturnsApprovals",
      "listReturnsAudit",
      "verifyReturnsAudit",
      "streamReturnsEvents",
      "createReturnsStreamToken",
      "revokeReturnsStreamToken",
    ]);
    expect(ofAgent("order-desk")).toEqual(
      expect.arrayContaining([
        "getOrderDeskState",
        "listOrderDeskInstances",
        "callOrderDeskQuote",
        "callOrderDeskOpenOrder",
      ]),
    );
  });

  test("has one start for each workflow of each agent, and only there", () => {
    const addresses = operations.filter(({ rest }) => rest.path.startsWith("/workflows/")).map(addressOf);
    const starts = addresses.filter((address) => /\/workflows\/[a-z-]+$/.test(address));
    expect(starts).toEqual([
      "post /agents/order-desk/{orderDesk}/workflows/refund-order",
      "post /agents/order-desk/{orderDesk}/workflows/ship",
      "post /agents/order-desk/{orderDesk}/sub/shipment/{shipment}/workflows/ship",
      "post /agents/returns/{returns}/sub/shipment/{shipment}/workflows/ship",
    ]);
  });

  test("has the way in the id of what is reached in several ways, and in no other", () => {
    const ids = operations.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        "startRefundOrder",
        "startShipOfOrderDesk",
        "startShipOfOrderDeskShipment",
        "startShipOfReturnsShipment",
        "getShipmentOfOrderDeskShipment",
        "getShipmentOfReturnsShipment",
        "getOrderDesk",
      ]),
    );
    expect(ids).not.toContain("startShip");
  });

  test("of a gateway without agents is the gateway's own", () => {
    expect(bindOperations(createRegistry([])).map(({ id }) => id)).toEqual([
      "getHealth",
      "getReadiness",
      "getLimits",
      "listAgents",
      "listKeys",
      "createKey",
      "getKey",
      "rotateKey",
      "revokeKey",
      "listAudit",
      "verifyAudit",
      "receiveApprovalCallback",
      "listWebhookEndpoints",
      "createWebhookEndpoint",
      "getWebhookEndpoint",
      "updateWebhookEndpoint",
      "deleteWebhookEndpoint",
      "testWebhookEndpoint",
      "enableWebhookEndpoint",
      "rotateWebhookEndpointSecret",
      "redeliverWebhookDeliveries",
      "listWebhookDeliveries",
      "getWebhookDelivery",
      "redeliverWebhookDelivery",
    ]);
  });
});
