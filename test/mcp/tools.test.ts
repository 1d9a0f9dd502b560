import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readInput } from "../../routes/input.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { createTools, toolName } from "../../src/gateway/mcp/tools.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";
import { roots } from "../operations/sample.ts";

const tools = createTools(bindOperations(createRegistry(roots)));
const named = tools.map((tool) => [tool.name, tool] as const);

interface Shown {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Shown>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}
const inputOf = (name: string): Shown =>
  (tools.find((tool) => tool.name === name)?.shown().inputSchema ?? {}) as Shown;
const outputOf = (name: string) =>
  tools.find((tool) => tool.name === name)?.shown().outputSchema as Shown | undefined;

/** An id that is as long as a name may be, and what follows. */
const long = (end: string) => `createOrderDeskInstanceStreamTokenOfOneWayThatIsTooLongToBeNamed${end}`;

describe("the names of tools", () => {
  test("are those of the operations, each its own, in letters that every client takes", () => {
    const names = tools.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[A-Za-z0-9_]{1,64}$/.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["startRefundOrder", "listOrderDeskInstances"]));
  });

  test("say that a journal is read", () => {
    expect(toolName("streamOrderDeskEvents")).toBe("listOrderDeskEvents");
    expect(toolName("streamliner")).toBe("streamliner");
  });

  test("are cut where they are too long, and stay different", () => {
    const names = ["", "A", "B"].map((end) => toolName(long(end)));
    expect(names[0]).toBe(long(""));
    expect(names.slice(1)).toEqual([
      "createOrderDeskInstanceStreamTokenOfOneWayThatIsTooLong_fbab33f5",
      "createOrderDeskInstanceStreamTokenOfOneWayThatIsTooLong_f8ab2f3c",
    ]);
    expect(names.map((name) => name.length)).toEqual([64, 64, 64]);
  });
});

/** Fields that the door checks. What is sent along with a decision or an event is checked by the agent, which knows whose it is. */
const byTheDoor = (field: string) => !["colour", "metadata", "payload", ""].includes(field);

describe.each(named)("%s", (_, tool) => {
  const shown = tool.shown();
  const input = shown.inputSchema as Shown;
  /** What is wrong with an input. */
  const places = async (sent: object) => {
    const failure: unknown = await readInput(tool.operation, sent).catch((thrown: unknown) => thrown);
    return failure instanceof ProblemError ? (failure.extras.errors ?? []) : [];
  };

  test("has a title, a description, and an input of described fields, with no choice at its root", () => {
    expect(shown.title).not.toBe("");
    expect(shown.description).not.toMatch(
      /Prefer|Idempotency-Key|If-Match|ETag|Last-Event-ID|\?\w+=|EventStream/,
    );
    expect(Object.keys(input)).not.toEqual(expect.arrayContaining([expect.stringMatching(/Of$/)]));
    for (const [field, schema] of Object.entries(input.properties ?? {}))
      expect(schema.description ?? schema["$ref"] ?? schema["properties"], field).toBeDefined();
  });

  test("takes the fields that it shows, and needs those that it says it needs", async () => {
    const needed = await places({ colour: 1 });
    const unknown = needed.find(({ pointer }) => pointer === "/colour")?.message;
    expect(
      needed
        .map(({ pointer }) => pointer.slice(1))
        .filter(byTheDoor)
        .toSorted(),
    ).toEqual((input.required ?? []).filter(byTheDoor).toSorted());
    const fields = Object.keys(input.properties ?? {}).filter((field) => field !== "waitSeconds");
    const wrong = Object.fromEntries(fields.map((field) => [field, Symbol(field)]));
    expect(unknown).toBeDefined();
    expect((await places(wrong)).filter(({ message }) => message === unknown)).toEqual([]);
  });

  test("has schemas that clients can read", () => {
    const validator = new AjvJsonSchemaValidator();
    const read = (schema: object) => validator.getValidator<unknown>(schema as never);
    expect(read(input)("nothing like it").valid).toBe(false);
    expect(read(shown.outputSchema ?? { type: "object" })(["no object"]).valid).toBe(false);
  });

  test("says truly whether it changes anything", () => {
    const { readOnlyHint, destructiveHint } = shown.annotations;
    expect(readOnlyHint).toBe(/^(?:get|list|verify)/.test(tool.name));
    expect(destructiveHint === undefined).toBe(readOnlyHint);
  });

  test("answers with an object, as it shows, unless it is a method that need not", () => {
    const { outputSchema = { type: "something else" } } = shown;
    expect([outputSchema.type, "$ref" in outputSchema]).toEqual([
      tool.operation.method === "openOrder" ? "something else" : "object",
      false,
    ]);
  });
});

test("what only adds is not said to be destructive, and what is not known is", () => {
  const destructive = tools
    .filter((tool) => tool.shown().annotations.destructiveHint === true)
    .map(({ operation }) => operation.verb);
  expect([...new Set(destructive)].toSorted()).toEqual([
    "approveApproval",
    "approveInstance",
    "call",
    "delete",
    "deleteInstance",
    "deleteInstances",
    "deleteWebhookEndpoint",
    "mergeState",
    "migrateBinding",
    "pauseInstance",
    "rejectApproval",
    "rejectInstance",
    "replaceState",
    "resetState",
    "restartInstance",
    "revokeApprovalLink",
    "revokeKey",
    "revokeStreamToken",
    "rotateKey",
    "rotateWebhookEndpointSecret",
    "terminateInstance",
    "updateWebhookEndpoint",
  ]);
});

describe("the input of a tool", () => {
  test("says what becomes of the texts of a query, for it has numbers, flags and lists itself", () => {
    const { properties = {} } = inputOf("listOrderDeskInstances");
    expect(properties["limit"]).toEqual({
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 50,
      description: "Items on a page",
    });
    expect(properties["count"]).toMatchObject({ type: "boolean", default: false });
    expect(properties["status"]).toMatchObject({ type: "array", items: { type: "string" } });
    expect(properties["metadata"]).toMatchObject({ $ref: "#/$defs/Metadata" });
    expect(properties["createdFrom"]).toMatchObject({ type: "string", format: "date-time" });
  });

  test("names agents from the root down", () => {
    expect(inputOf("getOrderDesk").properties?.["name"]).toMatchObject({ type: "string" });
    expect(inputOf("getShipmentOfOrderDeskShipment").properties?.["name"]).toMatchObject({
      type: "array",
      minItems: 2,
      maxItems: 2,
      description: "Names from the root agent down, one of each: order desk, shipment",
    });
  });

  test("has the fields of every event that may be sent, and what each may be", () => {
    const voter = defineWorkflow({
      name: "vote",
      binding: "VOTE",
      params: z.object({}),
      output: z.object({}),
      events: { cast: z.object({ vote: z.string() }), close: z.object({ at: z.iso.datetime() }) },
    });
    class Booth {
      readonly kind = "Booth";
    }
    const booth = defineAgent({ name: "booth", binding: "Booth", agent: Booth, workflows: [voter] });
    const send = createTools(bindOperations(createRegistry([booth]))).find(
      ({ name }) => name === "sendBoothInstanceEvent",
    );
    expect(send?.shown().inputSchema).toMatchObject({
      properties: {
        type: { anyOf: [{ const: "cast" }, { const: "close" }], description: "Type of the event" },
        payload: {
          anyOf: [{ required: ["vote"] }, { required: ["at"] }],
          description: "Payload of an event cast; or: Payload of an event close",
        },
      },
      required: ["name", "instanceId", "type", "payload"],
    });
  });

  test("asks nothing of the schemas of authors, which may not bear it", () => {
    class Library {
      find(text: string): { found: string } {
        return { found: text };
      }
    }
    const output = z.object({ found: z.string() });
    const library = defineAgent({
      name: "library",
      binding: "Library",
      agent: Library,
      methods: {
        find: { input: z.string().refine(async () => true), output, readOnly: true },
      },
    });
    const throwing = z.preprocess((text) => (text as string).trim(), z.string());
    class Archive extends Library {}
    const archive = defineAgent({
      name: "archive",
      binding: "Archive",
      agent: Archive,
      methods: { find: { input: throwing, output } },
    });
    const shown = createTools(bindOperations(createRegistry([library, archive]))).map((tool) => tool.shown());
    const needed = Object.fromEntries(shown.map(({ name, inputSchema }) => [name, inputSchema["required"]]));
    expect(needed).toMatchObject({
      callLibraryFind: ["name", "input"],
      callArchiveFind: expect.arrayContaining(["name"]),
    });
    const hints = shown.map(({ name, annotations }) => [name, annotations.readOnlyHint]);
    expect(Object.fromEntries(hints)).toMatchObject({ callLibraryFind: true, callArchiveFind: false });
  });

  test("has the contract of the workflow, and no token", () => {
    expect(inputOf("startRefundOrder")).toMatchObject({
      properties: { params: { $ref: "#/$defs/RefundOrderParams" } },
      $defs: { RefundOrderParams: { required: ["orderId", "amount"] } },
    });
    expect(inputOf("listOrderDeskEvents").properties).not.toHaveProperty("token");
  });
});

describe("the output of a tool", () => {
  test("is one object, where an instance is one of many", () => {
    expect(outputOf("getOrderDeskInstance")).toMatchObject({
      properties: {
        status: { enum: expect.arrayContaining(["queued", "complete"]) },
        output: { type: "object" },
      },
      required: expect.arrayContaining(["id", "status"]),
    });
    expect(outputOf("getOrderDeskInstance")?.required).not.toContain("output");
  });

  test("is small: all that a gateway of three agents shows fits into some hundred thousand characters", () => {
    expect(JSON.stringify(tools.map((tool) => tool.shown())).length).toBeLessThan(550_000);
  });
});
