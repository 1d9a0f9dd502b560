import type { InstanceError } from "../contract/instance";

/** Longest message that is kept of an error. */
const MOST_CHARACTERS = 4_000;

/**
 * An error as clients see it. What came from the engine or out of a step has crossed RPC, where the name of an error moves into
 * its message.
 */
export function toInstanceError(failure: unknown): InstanceError {
  if (!(failure instanceof Error)) return { name: "Error", message: shown(String(failure)) };
  const [, name, message] = /^([A-Z]\w*Error): (.*)$/s.exec(failure.message) ?? [];
  return failure.name === "Error" && name !== undefined && message !== undefined
    ? { name, message: shown(message) }
    : { name: failure.name, message: shown(failure.message) };
}

/** What the engine tells of an error as clients see it. It may tell less than its types say. */
export function shownError({ name, message }: Partial<InstanceError> = {}): InstanceError {
  const failure = new Error(message ?? "");
  failure.name = name ?? "Error";
  return toInstanceError(failure);
}

/** A message as clients see it: the engine may name a step of ours, which stands for one of the author's. */
function shown(message: string): string {
  return message.replaceAll(/__gateway_(?:ask_|settle_)?/g, "").slice(0, MOST_CHARACTERS);
}
