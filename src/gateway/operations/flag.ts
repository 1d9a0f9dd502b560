import { z } from "zod";

/** A flag of the query: `true` or `false`, and nothing else. */
export const Flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((value) => value === "true");
