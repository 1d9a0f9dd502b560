import type { z } from "zod";
import type { InstanceError } from "../contract/instance";

/**
 * What was sent, as its contract makes it. It was checked when it was sent; if the contract has become another since, a run
 * that goes on gets it as it was sent.
 */
export function parsed(contract: z.ZodType | undefined, sent: unknown): unknown {
  const result = contract?.safeParse(sent);
  return result?.success === true ? result.data : sent;
}

/** What is told is JSON: that something is not shows here, as the author's error. */
export function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null") as unknown;
}

/** Longest message that is kept of an error. */
const MOST_CHARACTERS = 4_000;

/** What came from the engine or out of a step has crossed RPC, where the name of an error moves into its message. */
export function toInstanceError(failure: unknown): InstanceError {
  if (!(failure instanceof Error)) return { name: "Error", message: shown(String(failure)) };
  const [, name, message] = /^([A-Z]\w*Error): (.*)$/s.exec(failure.message) ?? [];
  return failure.name === "Error" && name !== undefined && message !== undefined
    ? { name, message: shown(message) }
    : { name: failure.name, message: shown(failure.message) };
}

/** A message as clients see it: the engine may name a step of ours, which stands for one of the author's. */
function shown(message: string): string {
  return message.replaceAll(/__gateway_(?:ask_|settle_)?/g, "").slice(0, MOST_CHARACTERS);
}
