import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documentOf, type FoundOperation, operationsOf } from "../openapi/served-document.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ERP_SECRET, signatureOf } from "../support/links.ts";
import { eachOf } from "../support/raw-requests.ts";
import { ask, sends } from "../support/received.ts";

const SUITE = new URL("../data/json-test-suite/", import.meta.url);
const texts = readdirSync(SUITE).map((name) => ({
  name,
  bytes: readFileSync(new URL(encodeURIComponent(name), SUITE)),
}));

let gateway: TestGateway;
let operations: FoundOperation[];
beforeAll(async () => {
  gateway = await startGateway("wrangler.jsonc", {
    SWITCHYARD_API_KEY: "sy_test_4f1c2b7d9e0a6358",
    QUALITY_CHECK_SECRET: ERP_SECRET,
  });
  operations = operationsOf(await documentOf(gateway)).filter(
    ({ operation }) => operation.requestBody !== undefined,
  );
});
afterAll(() => gateway.harness.close());

const addressOf = ({ path }: FoundOperation): string =>
  path.replace("{approvalId}", "apr_00000000-0000-4000-8000-000000000000").replaceAll(/\{\w+\}/g, "nobody");

const isSigned = ({ operation: { security } }: FoundOperation): boolean =>
  security.some((one) => "webhookSignature" in one);

function credentialsFor(operation: FoundOperation, bytes: Buffer): Record<string, string> {
  return isSigned(operation) ? signatureOf(bytes.toString()) : { authorization: `Bearer ${gateway.key}` };
}

test(
  "each text of the suite, sent to each route that takes a body, is answered as documented; none that is no JSON is taken",
  {
    timeout: 300_000,
  },
  async () => {
    sends("__proto__");
    expect(texts).toHaveLength(318);
    expect(operations.length).toBeGreaterThan(25);
    const odd: string[] = [];
    const requests = operations.flatMap((operation) => texts.map((text) => ({ operation, text })));
    await eachOf(requests, async ({ operation, text: { name, bytes } }) => {
      const answer = await ask(new URL(addressOf(operation), gateway.url), {
        method: operation.method.toUpperCase(),
        headers: { ...credentialsFor(operation, bytes), "content-type": "application/json" },
        body: bytes,
      });
      const code = answer.ok ? "" : ((await answer.json()) as { code: string }).code;
      if (answer.ok) await answer.arrayBuffer();
      const documented = String(answer.status) in operation.operation.responses && answer.status < 500;
      const refused =
        (answer.status === 400 && (code === "malformed_json" || code === "invalid_request")) ||
        // What is no text cannot be signed.
        (isSigned(operation) && !isUtf8(bytes) && code === "unauthorized");
      if (!documented || (name.startsWith("n_") && !refused))
        odd.push(`${operation.operation.operationId} ${name}: ${answer.status} ${code}`);
    });
    expect(odd).toEqual([]);
  },
);
