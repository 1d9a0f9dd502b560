import { createHmac } from "node:crypto";
import { ProblemError } from "../contract/problem";
import type { Store } from "./store";

/** A place with a seal: made with a key of this agent, over this place of this list. @param place URL-safe text. */
export function sealCursor(place: string, list: string, store: Store): string {
  const seal = createHmac("sha256", store.meta("seal_key")).update(`${place} ${list}`).digest("base64url");
  return `${place}.${seal.slice(0, 22)}`;
}

/**
 * The place that a cursor stands for.
 *
 * @throws ProblemError `invalid_cursor` if it is not one of this very list of this agent.
 */
export function placeOfCursor(cursor: string, list: string, store: Store): string {
  const place = cursor.slice(0, Math.max(0, cursor.lastIndexOf(".")));
  if (cursor === sealCursor(place, list, store)) return place;
  throw new ProblemError("invalid_cursor", {
    detail: "Use nextCursor of the page before, with the same filters.",
  });
}

/** Writes a place that is more than one word. @param place is JSON, and ASCII. @returns URL-safe text. */
export function writePlace(place: object): string {
  return btoa(JSON.stringify(place)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads what {@link writePlace} wrote; the seal says that it did. */
export function readPlace(text: string): unknown {
  return JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
}
