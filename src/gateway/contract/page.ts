import { z } from "zod";
import { LIMITS } from "./limits";

/** Page size where none is asked for. */
export const DEFAULT_LIMIT = 50;
/** Largest page. */
export const MAX_LIMIT = LIMITS.pageItems.most;

/** `?limit=`: 1 to {@link MAX_LIMIT}. */
export const Limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(MAX_LIMIT)
  .default(DEFAULT_LIMIT)
  .describe("Items on a page");

/** Whether a list is of one agent alone, or also of all agents below it. */
export const ListScope = z
  .enum(["self", "subtree"])
  .default("self")
  .describe(
    "`subtree` lists all agents below too, each after its parent and in order of class and name. A page may then be short, or empty, and still have a `nextCursor`.",
  );

/** A cursor page: `nextCursor` is null on the last one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** The schema of {@link Page} for one kind of item. */
export function pageOf(item: z.ZodType, id: string): z.ZodType {
  return z
    .object({
      items: z.array(item).describe("What is on the page"),
      nextCursor: z.string().nullable().describe("Send as `cursor` (of events: `after`) for the next page"),
    })
    .meta({ id, description: "A page of a list" });
}

/**
 * A page of a journal: `nextCursor` is always there, since more may follow; `ended` says that nothing will, and `gap` that
 * something is missing after the cursor that was given.
 */
export function eventPageOf(event: z.ZodType, id: string): z.ZodType {
  return z
    .object({
      items: z.array(event).describe("The events, oldest first"),
      nextCursor: z
        .string()
        .describe("Send as `after` to go on, now or later")
        .meta({ examples: ["4f1c2b7d-2"] }),
      ended: z
        .boolean()
        .describe("Whether nothing will follow")
        .meta({ examples: [false] }),
      gap: z
        .boolean()
        .describe("Whether events after the given cursor are no longer kept")
        .meta({ examples: [false] }),
    })
    .meta({ id, description: "A stretch of a journal" });
}

/** A page of instances: `total` is there if it was asked for. */
export function instancePageOf(instance: z.ZodType, id: string): z.ZodType {
  return z
    .object({
      items: z.array(instance).describe("What is on the page"),
      nextCursor: z.string().nullable().describe("Send as `cursor` for the next page"),
      total: z.int().optional().describe("With `count=true`: how many match in all"),
      totalAtLeast: z
        .int()
        .optional()
        .describe(
          "With `count=true`, instead of `total`, where the subtree has too many agents to count them all",
        ),
    })
    .meta({ id, description: "A page of a list of instances" });
}
