import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { lint } from "./lint.ts";
import { objectsIn, type OpenApiDocument, operationsOf, resolve } from "./served-document.ts";

const WHOLE = "/openapi.json";
const FORMS = [WHOLE, "/openapi.yaml", "/openapi/catalog.json", "/openapi/dataset.json"];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.harness.close());

/** Without a key: an empty one is none. */
const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  gateway.get(path, { authorization: "", ...headers });
const tagOf = ({ headers }: Answer): string => headers.get("etag") ?? "";

describe.each(FORMS)("%s", (path) => {
  test("has a strong entity tag, by which nobody gets again what he has", async () => {
    const first = await get(path);
    expect(first.status).toBe(200);
    expect(tagOf(first)).toMatch(/^"[A-Za-z0-9+/=]{20,}"$/);
    expect(first.headers.get("cache-control")).toBe("no-cache");
    for (const known of [tagOf(first), `"old", W/${tagOf(first)}`, "*"]) {
      const again = await get(path, { "if-none-match": known });
      expect([again.status, again.text, tagOf(again)]).toEqual([304, "", tagOf(first)]);
    }
    expect((await get(path, { "if-none-match": '"old"' })).status).toBe(200);
    expect(tagOf(await get(path))).toBe(tagOf(first));
  });

  test("answers HEAD with what GET would say", async () => {
    const asked = await get(path);
    const head = await gateway.request("HEAD", path);
    expect([head.status, head.text, tagOf(head)]).toEqual([200, "", tagOf(asked)]);
    expect(head.headers.get("content-type")).toBe(asked.headers.get("content-type"));
  });
});

test("each form has an entity tag of its own", async () => {
  const tags = await Promise.all(FORMS.map(async (path) => tagOf(await get(path))));
  expect(new Set(tags).size).toBe(FORMS.length);
});

test("YAML says the same as JSON", async () => {
  const [json, yaml] = await Promise.all([get(WHOLE), get("/openapi.yaml")]);
  expect(yaml.headers.get("content-type")).toBe("application/yaml");
  expect(yaml.text).toMatch(/^openapi: "3\.1\.0"$/m);
  expect(parse(yaml.text)).toEqual(json.json());
});

test("the document of a gateway that names its origin says so, and passes the same rules", async () => {
  await using other = await startGateway("test/fixtures/crowded/wrangler.jsonc");
  const document = (await other.get(WHOLE)).json<OpenApiDocument>();
  expect(document).toMatchObject({ servers: [{ url: "https://workshop.test" }] });
  expect(await lint(document)).toBe("");
});

test("the document of a gateway that names its servers says so", async () => {
  await using other = await startGateway("test/fixtures/guarded/wrangler.jsonc");
  const servers = [{ url: "https://guarded.test", description: "Behind a guard" }];
  expect((await other.get(WHOLE)).json()).toMatchObject({ servers });
  expect((await other.get("/openapi/guarded.json")).json()).toMatchObject({ servers });
});

describe("the document of one class of agents", () => {
  test("has its own operations, and all that they refer to and nothing else", async () => {
    const whole = (await get(WHOLE)).json<OpenApiDocument>();
    const excerpt = (await get("/openapi/dataset.json")).json<OpenApiDocument>();
    expect(operationsOf(excerpt)).toEqual(
      operationsOf(whole).filter(({ operation }) => operation.tags.includes("dataset")),
    );
    expect(excerpt.info).toEqual(whole.info);
    expect(excerpt.tags.map(({ name }) => name)).toEqual(["dataset"]);

    const references = [...objectsIn(excerpt)].flatMap(([, { $ref, mapping }]) => [
      ...(typeof $ref === "string" ? [$ref] : []),
      ...(typeof mapping === "object" ? Object.values(mapping as Record<string, string>) : []),
    ]);
    expect(references.filter((reference) => resolve(excerpt, reference) === undefined)).toEqual([]);
    const named = Object.keys(excerpt.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect(named.filter((reference) => !references.includes(reference))).toEqual([]);
    expect(Object.keys(excerpt.components.schemas)).toContain("ImportDatasetInstance");
    expect(Object.keys(excerpt.components.schemas)).not.toContain("PublishReleaseInstance");
  });

  test("is not there for a class that is not served", async () => {
    const answer = await get("/openapi/nobody.json");
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([404, "not_found"]);
  });
});
