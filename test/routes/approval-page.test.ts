import { describe, expect, test } from "vitest";
import { z } from "zod";
import { inputName, metadataForm, readMetadata } from "../../routes/approval-page/metadata-fields.ts";
import { decidedPage, questionPage, standingPage } from "../../routes/approval-page/pages.ts";
import { type Approval, OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { toJsonSchema } from "../../src/gateway/registry/json-schema.ts";
import { NAUGHTY } from "../support/naughty.ts";

const approval = (changes: Partial<Approval> = {}): Approval => ({
  id: "apr_1",
  instanceId: "i-1",
  workflow: "permit",
  agent: "/agents/desk/acme",
  attempt: 1,
  stepName: "permit",
  occurrence: 1,
  summary: "May it?",
  details: null,
  metadataSchema: null,
  ...OPEN_TERMS,
  votes: [],
  status: "pending",
  requestedAt: "2026-04-01T12:00:00.000Z",
  deadline: null,
  decidedBy: null,
  decidedVia: null,
  decidedAt: null,
  reason: null,
  shown: null,
  metadata: null,
  links: { self: "", instance: "", approve: "", reject: "" },
  ...changes,
});
const DECISIONS = ["approve", "reject"] as const;
const PROBE = "\u{1F6A7}";

/** Every tag of a page and the names of its attributes: what a text that is no text would add to. */
const tagsOf = (page: string): string[] =>
  (page.match(/<[a-z!/][^<>]*>/gi) ?? []).map((tag) => tag.replaceAll(/="[^"]*"/g, ""));

describe("whatever people write is text", () => {
  const pages: Readonly<Record<string, (text: string) => ReturnType<typeof decidedPage>>> = {
    question: (text) =>
      questionPage(
        {
          approval: approval({
            summary: text,
            stepName: text,
            details: { [text]: text, list: [text, { [text]: [text] }] },
          }),
          holder: text,
          decisions: DECISIONS,
          shown: "s",
        },
        {
          metadata: metadataForm({
            type: "object",
            properties: { [text]: { type: "string", title: text, description: text, enum: [text, PROBE] } },
          }),
          sent: new URLSearchParams({ reason: text, [inputName(text)]: text }),
          errors: [{ input: inputName(text), label: text, message: text }],
        },
        { title: text, detail: text },
      ),
    standing: (text) =>
      standingPage({
        approval: approval({
          status: "approved",
          summary: text,
          decidedBy: text,
          reason: text,
          metadata: text,
        }),
        holder: text,
      }),
    decided: (text) =>
      decidedPage(approval({ status: "rejected", summary: text, decidedBy: text, reason: text })),
  };

  test.each(Object.entries(pages))("on the page of what is %s", async (_, page) => {
    const plain = tagsOf(String(await page(PROBE)));
    for (const text of NAUGHTY.filter((one) => one !== ""))
      expect(tagsOf(String(await page(text))), JSON.stringify(text)).toEqual(plain);
  });
});

const formOf = (schema: z.ZodType) => metadataForm(toJsonSchema(schema));
const json = (metadata: string) => readMetadata({ kind: "json" }, new URLSearchParams({ metadata }), false);

describe("a form", () => {
  test.each([
    ["nothing", metadataForm({ not: {} }), "none"],
    ["what is served no more", metadataForm(null), "none"],
    ["a flat object", formOf(z.object({ note: z.string() })), "fields"],
    ["an optional one", formOf(z.object({ note: z.string() }).optional()), "fields"],
    ["an object in an object", formOf(z.object({ inner: z.object({ a: z.string() }) })), "json"],
    ["a list in an object", formOf(z.object({ list: z.array(z.string()) })), "json"],
    ["a choice of types", formOf(z.object({ either: z.union([z.string(), z.number()]) })), "json"],
    ["a text", formOf(z.string()), "json"],
    ["a list", formOf(z.array(z.string())), "json"],
    [
      "a choice of objects",
      formOf(z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])),
      "json",
    ],
    ["anything", formOf(z.unknown()), "json"],
  ])("for %s", (_, form, kind) => expect(form.kind).toBe(kind));

  const contract = z.object({
    ticketNumber: z.string().max(40),
    home_page: z.url().optional(),
    amount: z.number().min(0.5),
    days: z.int().optional(),
    size: z.enum(["s", "m"]).default("m"),
    level: z.literal([1, 2]),
    urgent: z.boolean(),
    again: z.boolean().optional(),
  });
  const form = formOf(contract);

  test("has an input that fits for each value", () => {
    expect(form).toMatchObject({
      fields: [
        { label: "Ticket number", required: true, input: { kind: "text", type: "text", maxLength: 40 } },
        { label: "Home page", required: false, input: { kind: "text", type: "url" } },
        { label: "Amount", required: true, input: { kind: "number", step: "any", min: 0.5 } },
        { label: "Days", required: false, input: { kind: "number", step: "1" } },
        { label: "Size", required: false, initial: '"m"', input: { kind: "select" } },
        {
          label: "Level",
          required: true,
          input: {
            options: [
              ["1", "1"],
              ["2", "2"],
            ],
          },
        },
        { label: "Urgent", input: { kind: "checkbox" } },
        {
          label: "Again",
          input: {
            kind: "select",
            options: [
              ["true", "Yes"],
              ["false", "No"],
            ],
          },
        },
      ],
    });
  });

  const read = (fields: Record<string, string>, mayBeMissing = false) => {
    const named = Object.entries(fields).map(([key, value]) => [`metadata.${key}`, value]);
    return readMetadata(form, new URLSearchParams(named), mayBeMissing);
  };

  test("is read as what its contract takes", () => {
    const sent = {
      ticketNumber: "T",
      amount: "1.5",
      days: "3",
      size: '"s"',
      level: "2",
      urgent: "true",
      again: "false",
    };
    const metadata = {
      ticketNumber: "T",
      amount: 1.5,
      days: 3,
      size: "s",
      level: 2,
      urgent: true,
      again: false,
    };
    expect(read(sent)).toEqual({ ok: true, metadata });
    expect(contract.parse(metadata)).toEqual(metadata);
  });

  test("leaves what was not filled in to the contract, and what is no number as it is", () => {
    expect(read({ ticketNumber: "", amount: "x", days: "", size: "", level: '"<"', again: "" })).toEqual({
      ok: true,
      metadata: { ticketNumber: "", amount: "x", level: '"<"', urgent: false },
    });
  });

  test.each([" ", "\t", "Infinity", "-1e999"])("takes %j for no number", (amount) => {
    expect(read({ amount })).toMatchObject({ metadata: { amount } });
  });

  test("in which nothing was filled in is no metadata where that will do", () => {
    expect(read({ ticketNumber: "", again: "" }, true)).toEqual({ ok: true, metadata: undefined });
    expect(read({ ticketNumber: "T" }, true)).toMatchObject({ metadata: { ticketNumber: "T" } });
  });

  test("of JSON says if it is none", () => {
    expect(json('{"a":[1]}')).toEqual({ ok: true, metadata: { a: [1] } });
    expect(json(" ")).toEqual({ ok: true, metadata: undefined });
    expect(json("{")).toEqual({ ok: false, message: "is not valid JSON, or has a key twice" });
    expect(json(`${"[".repeat(30_000)}${"]".repeat(30_000)}`)).toMatchObject({ ok: false });
    // What is refused in a body is refused here too.
    for (const text of ['{"amount":1,"amount":1000}', "1e999", '{"__proto__":{}}', "\ufeff{}"])
      expect(json(text), text).toMatchObject({ ok: false });
  });
});
