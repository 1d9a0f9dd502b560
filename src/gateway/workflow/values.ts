import type { z } from "zod";

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
