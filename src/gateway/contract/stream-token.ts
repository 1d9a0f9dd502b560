import { z } from "zod";
import { LIMITS } from "./limits";

/** Longest life of a stream token, in seconds. */
export const LONGEST_TOKEN_SECONDS = LIMITS.streamTokenSeconds.most;

/** What a stream token lets its holder read: the events of one agent, or of one instance of it. */
export interface StreamGrant {
  /** Id of the token, by which it can be revoked. */
  readonly id: string;
  /** Name of the principal who asked for it. */
  readonly caller: string;
  /** Path of the agent. */
  readonly agent: string;
  /** Undefined if all events of the agent may be read. */
  readonly instanceId: string | undefined;
  /** In milliseconds. */
  readonly expiresAt: number;
}

/** The id of a stream token. */
export const StreamTokenId = z
  .string()
  .regex(/^stk_[0-9a-f-]{36}$/)
  .meta({ examples: ["stk_0f3f2f64-6f1d-4a4e-9d5e-6a1c9d5b7e21"] });

/** A stream token, as it is given once. */
export const StreamToken = z
  .object({
    id: StreamTokenId.describe("Id of the token, by which it can be revoked"),
    token: z.string().describe("Send as `?token=` to the event stream, and nowhere else"),
    expiresAt: z.iso.datetime().describe("When it ends, and with it the streams that were opened with it"),
    url: z.string().describe("Address of the event stream, with the token"),
  })
  .meta({ id: "StreamToken", description: "Lets a browser read one event stream for a while" });
export type StreamToken = z.infer<typeof StreamToken>;
