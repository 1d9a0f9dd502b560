import { afterAll, beforeAll, expect, test } from "vitest";
import { documentOf, type FoundOperation, operationsOf } from "../openapi/served-document.ts";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { untilStatus } from "../support/until.ts";

/** Agents that are related in each way: namesakes, parents and children, classes of their own. */
const AGENTS = [
  "/agents/workshop/ann",
  "/agents/workshop/bob",
  "/agents/workshop/ann/sub/bench/left",
  "/agents/workshop/ann/sub/bench/right",
  "/agents/workshop/bob/sub/bench/left",
  "/agents/workshop/ann/sub/bench/left/sub/drawer/top/sub/tool/saw",
];
const MISSING = { instanceId: "nothing", approvalId: "apr_00000000-0000-4000-8000-000000000000" };

/** What an agent has that the others must not see. */
type Owned = Readonly<Record<keyof typeof MISSING, string>>;

let gateway: TestGateway;
let operations: FoundOperation[];
const owned = new Map<string, Owned>();
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  operations = operationsOf(await documentOf(gateway)).filter(({ path }) => parameterOf(path) !== undefined);
  for (const agent of AGENTS) {
    const started = await gateway.post(`${agent}/workflows/gated`, { params: {} });
    const { id, links } = started.json<{ id: string; links: { self: string } }>();
    const waiting = await untilStatus(() => gateway.get(links.self), "waiting");
    const { waitingFor } = waiting.json<{ waitingFor: { approvalId: string } }>();
    owned.set(agent, { instanceId: id, approvalId: waitingFor.approvalId });
  }
});
afterAll(() => gateway.harness.close());

function parameterOf(path: string): keyof typeof MISSING | undefined {
  const [, parameter] = /\{(instanceId|approvalId)\}/.exec(path) ?? [];
  return parameter as keyof typeof MISSING | undefined;
}

/** The rest of the address, if the operation is one of the class of this agent. */
function restFor(agent: string, { path }: FoundOperation): string | undefined {
  const [, template = "", rest] = /^(.*?)(\/(?:instances|approvals)\/\{.*)$/.exec(path) ?? [];
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(agent)
    ? rest?.replace("{linkId}", "lnk_00000000-0000-4000-8000-000000000000")
    : undefined;
}

function bodyOf(rest: string): object {
  if (rest.endsWith("/events")) return { type: "parcel-arrived", payload: { parcel: "p" } };
  return rest.endsWith("/links") ? { for: "ada" } : {};
}

/** A request that is in order but for the id. */
function ask(agent: string, { method, operation }: FoundOperation, rest: string): Promise<Answer> {
  const body = bodyOf(rest);
  const query = method === "delete" ? "?force=true" : "";
  return gateway.request(
    method.toUpperCase(),
    `${agent}${rest}${query}`,
    operation.requestBody === undefined ? undefined : body,
    { accept: "application/json" },
  );
}

const withoutRequestId = ({ text }: Answer): object => ({ ...(JSON.parse(text) as object), requestId: "" });
const everythingOf = async (agent: string): Promise<string[]> =>
  Promise.all(
    ["instances", "approvals", "events"].map(
      async (what) => (await gateway.get(`${agent}/${what}?limit=100`, { accept: "application/json" })).text,
    ),
  );

test("no operation sees, decides, controls or deletes what another agent has: it is as if it were not there", async () => {
  const before = await Promise.all(AGENTS.map(everythingOf));
  const asked = new Set<string>();
  const otherwise: string[] = [];
  for (const agent of AGENTS) {
    for (const operation of operations) {
      const parameter = parameterOf(operation.path);
      const rest = restFor(agent, operation);
      if (rest === undefined || parameter === undefined) continue;
      const missing = await ask(agent, operation, rest.replace(`{${parameter}}`, MISSING[parameter]));
      expect(missing.status, missing.text).toBe(404);
      for (const [other, { [parameter]: id }] of owned) {
        if (other === agent) continue;
        asked.add(operation.operation.operationId);
        const answer = await ask(agent, operation, rest.replace(`{${parameter}}`, id));
        const isTheSame =
          answer.status === 404 &&
          JSON.stringify(withoutRequestId(answer)) === JSON.stringify(withoutRequestId(missing));
        if (!isTheSame)
          otherwise.push(
            `${operation.operation.operationId} of ${agent} with an id of ${other}: ${answer.text}`,
          );
      }
    }
  }
  expect(otherwise).toEqual([]);
  const ofClassesWithAgents = operations.filter((one) =>
    AGENTS.some((agent) => restFor(agent, one) !== undefined),
  );
  expect(asked.size).toBe(ofClassesWithAgents.length);
  expect(asked.size).toBeGreaterThan(36);
  expect(await Promise.all(AGENTS.map(everythingOf))).toEqual(before);
});

test("who has it can do each of these things with the very same requests", async () => {
  const failed: string[] = [];
  const asked = operations.filter((one) => restFor("/agents/workshop/ann", one) !== undefined);
  for (const operation of asked) {
    const agent = `/agents/workshop/own-${operation.operation.operationId}`;
    const started = await gateway.post(`${agent}/workflows/gated`, { params: {} });
    const { id, links } = started.json<{ id: string; links: { self: string } }>();
    const waiting = await untilStatus(() => gateway.get(links.self), "waiting");
    const { approvalId } = waiting.json<{ waitingFor: { approvalId: string } }>().waitingFor;
    const rest = operation.path.replace(/^.*?(?=\/(?:instances|approvals)\/)/, "");
    const answer = await ask(
      agent,
      operation,
      rest.replace("{instanceId}", id).replace("{approvalId}", approvalId),
    );
    if (answer.status === 404) failed.push(`${operation.operation.operationId}: ${answer.text}`);
  }
  expect(asked.length).toBeGreaterThan(12);
  expect(failed).toEqual([]);
});
