import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type DrawnRequest, requestTo } from "../support/arbitrary-request.ts";
import type { TestGateway } from "../support/gateway.ts";
import { makeLink, startWithSenders } from "../support/links.ts";
import { createKey } from "../support/keys.ts";
import { eachOf } from "../support/raw-requests.ts";
import { ask, askForKey, sends } from "../support/received.ts";
import { untilStatus } from "../support/until.ts";
import {
  documentOf,
  type FoundOperation,
  type JsonSchema,
  type OpenApiDocument,
  operationsOf,
} from "./served-document.ts";

/** Requests to each operation; more of them by `PROPERTY_RUNS=200 npx vitest run test/openapi/properties.test.ts`. */
const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 5);
const SEED = Number(process.env["PROPERTY_SEED"] ?? 20_261_126);

/** Methods of the workshop that throw, end their process, or wait for the gateway: what they answer is theirs. */
const OF_THE_AUTHOR = /\/methods\/(?:author|crash|fail|leave|stop)$/;

let gateway: TestGateway;
let document: OpenApiDocument;
const names: Record<string, string[]> = {
  workshop: ["acme", "nobody"],
  bench: ["left", "nobody"],
  drawer: ["top", "nobody"],
  tool: ["saw", "nobody"],
  board: ["hall", "nobody"],
  instanceId: ["one", "nothing"],
  approvalId: ["apr_00000000-0000-4000-8000-000000000000"],
  tokenId: ["stk_00000000-0000-4000-8000-000000000000"],
  keyId: ["0000000000000000"],
  linkId: ["lnk_00000000-0000-4000-8000-000000000000"],
  endpointId: ["whe_00000000-0000-4000-8000-000000000000"],
  deliveryId: ["msg_00000000000000000000000000000000"],
};
beforeAll(async () => {
  gateway = await startWithSenders();
  document = await documentOf(gateway);
  for (const agent of [
    "/agents/workshop/acme",
    "/agents/workshop/acme/sub/bench/left",
    "/agents/workshop/acme/sub/bench/left/sub/drawer/top/sub/tool/saw",
  ]) {
    const started = await gateway.post(`${agent}/workflows/gated`, { params: {}, id: "one" });
    const { links } = started.json<{ links: { self: string } }>();
    const waiting = await untilStatus(() => gateway.get(links.self), "waiting");
    const { waitingFor } = waiting.json<{ waitingFor: { approvalId: string } }>();
    names["approvalId"]?.push(waitingFor.approvalId);
    const link = await makeLink(gateway, `${agent}/approvals/${waitingFor.approvalId}`);
    names["linkId"]?.push(link.id);
  }
  const key = await createKey(gateway, {
    name: "drawn",
    scopes: ["agents:read"],
    agents: ["/agents/board/**"],
  });
  names["keyId"]?.push(key.id);
  const hook = { url: "https://hooks.example.com/", agents: ["/agents/board/nobody"] };
  names["endpointId"]?.push((await gateway.post("/webhooks/endpoints", hook)).json<{ id: string }>().id);
});
afterAll(() => gateway.harness.close());

/** What is made is not begun, so that the engine has nothing to do; what is deleted is nothing that others use. */
function tamed({ method, path }: FoundOperation, { params, body, ...rest }: DrawnRequest): DrawnRequest {
  const last = [...path.matchAll(/\{(\w+)\}/g)].at(-1)?.[1] ?? "";
  const kept =
    method === "delete" && path.endsWith(`{${last}}`) && path.includes("/sub/")
      ? { ...params, [last]: "bygone" }
      : params;
  if (
    path.endsWith("/batch") &&
    typeof body === "object" &&
    body !== null &&
    "items" in body &&
    Array.isArray(body.items)
  )
    return { ...rest, params: kept, body: { ...body, items: body.items.map(delayed) } };
  return { ...rest, params: kept, body: /\/workflows\/[^/]+$/.test(path) ? delayed(body) : body };
}

function delayed(start: unknown): unknown {
  return typeof start === "object" && start !== null && "params" in start
    ? { ...start, delay: 86_400 }
    : start;
}

function addressOf(path: string, { params, query }: DrawnRequest): string {
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const text = query.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  return text === "" ? address : `${address}?${text}`;
}

const checkers = new Map<string, z.ZodType>();
/** What is wrong with a value by a schema of the document; each schema is read once. */
function faultOf(schema: JsonSchema, value: unknown): string | undefined {
  const key = JSON.stringify(schema);
  const checker = checkers.get(key) ?? checkerOf(schema);
  checkers.set(key, checker);
  const checked = checker.safeParse(value);
  return checked.success ? undefined : z.prettifyError(checked.error);
}
function checkerOf(schema: JsonSchema): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(
    JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")) as z.core.JSONSchema.JSONSchema,
  );
}

/** What an answer has that the document does not say; undefined if there is nothing. */
async function oddOf(
  { method, path, operation }: FoundOperation,
  drawn: DrawnRequest,
): Promise<string | undefined> {
  const body = drawn.body === undefined ? undefined : JSON.stringify(drawn.body);
  const headers = Object.entries(drawn.headers).filter(
    ([, value]) => value !== undefined && /^[\x21-\x7e]*$/.test(value),
  );
  // These two alone may show a key.
  const send = method === "post" && path.startsWith("/keys") ? askForKey : ask;
  const answer = await send(new URL(addressOf(path, drawn), gateway.url), {
    method: method.toUpperCase(),
    headers: {
      ...Object.fromEntries(headers),
      authorization: `Bearer ${gateway.key}`,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  if (answer.status >= 500) return `${answer.status} ${text}`;
  const response = operation.responses[String(answer.status)];
  if (response === undefined) return `${answer.status} is not documented: ${text}`;
  if (answer.status === 204) return undefined;
  const media = response.content?.[answer.headers.get("content-type")?.split(";")[0] ?? ""];
  if (media === undefined) return `${answer.status} of another type: ${answer.headers.get("content-type")}`;
  const fault = faultOf(media.schema, JSON.parse(text));
  return fault === undefined
    ? undefined
    : `${answer.status} is not as documented: ${fault}\n${text.slice(0, 500)}`;
}

test(
  "whatever is asked of an operation, the answer is as the document says, and no failure of the gateway",
  {
    timeout: 600_000,
  },
  async () => {
    sends("__x", "__proto__", "/tmp/blns.", "file:///etc/passwd");
    const operations = operationsOf(document).filter(({ path }) => !OF_THE_AUTHOR.test(path));
    expect(operations.length).toBeGreaterThan(200);
    const odd: string[] = [];
    await eachOf(
      operations,
      async (found) => {
        const property = fc.asyncProperty(requestTo(document, found, names), async (drawn) => {
          const fault = await oddOf(found, tamed(found, drawn));
          if (fault !== undefined) throw new Error(fault);
        });
        const { failed, counterexample, errorInstance } = await fc.check(property, {
          numRuns: RUNS,
          seed: SEED,
        });
        if (failed)
          odd.push(
            `${found.operation.operationId} ${JSON.stringify(counterexample)}: ${String(errorInstance)}`,
          );
      },
      12,
    );
    expect(odd).toEqual([]);
  },
);
