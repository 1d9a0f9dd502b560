import { expect } from "vitest";
import type { TestGateway } from "../support/gateway.ts";
import { startProxy } from "../support/proxy.ts";
import { type Line, run } from "./running.ts";

const DATASET = "/agents/catalog/acme/sub/dataset/cities";

/**
 * Drives the session of `programs` through a proxy, which cuts all of its connections while the instance waits for its decision,
 * and compares what it tells with what is so.
 *
 * @param command runs the program; the address of the gateway and a key are appended.
 */
export async function expectSession(
  gateway: TestGateway,
  command: readonly [string, ...string[]],
): Promise<void> {
  await using proxy = await startProxy(gateway);
  const lines = await run([...command, proxy.url.href, gateway.key], (line, answer) => {
    if (line["type"] !== "approval.requested") return;
    proxy.cut();
    answer();
  });
  // A frame that has no data would be told as nothing.
  expect(lines).not.toContainEqual({});
  const told = (name: string): unknown[] => lines.flatMap((line) => line[name] ?? []);

  expect(lines[0]).toEqual({ started: "first", status: "queued" });
  expect(told("decided")).toEqual(["approved"]);
  expect(lines).toContainEqual({ rows: 2, note: "seen" });
  expect(told("complete")).toEqual([2]);
  expect(told("listed")).toEqual(["first", "second", "third"]);
  expect(lines.at(-1)).toEqual({ status: 404, code: "instance_not_found", retryable: false });

  // It came back after the last event that it had, and got each event once.
  const page = await gateway.get(`${DATASET}/instances/first/events?limit=100`, {
    accept: "application/json",
  });
  const { items } = page.json<{ items: { id: string; type: string }[] }>();
  const isEvent = ({ type }: Line): boolean => typeof type === "string" && !type.startsWith("stream.");
  expect(lines.filter(isEvent)).toEqual(items.map(({ id, type }) => ({ id, type })));
  const asked = items.find(({ type }) => type === "approval.requested");
  const resumed = proxy.passed.flatMap(({ lastEventId }) => lastEventId ?? []);
  expect(resumed).toHaveLength(1);
  expect(items.map(({ id }) => id).slice(items.findIndex(({ id }) => id === asked?.id))).toContain(
    resumed[0],
  );
  expect(lines.filter(({ type }) => type === "stream.end")).toHaveLength(1);
}
