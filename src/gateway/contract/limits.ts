import { z } from "zod";
import { LONGEST_NAME, MAX_DEPTH } from "./names";
import type { ProblemCode } from "./problem";

/** What a limit counts. */
const LimitUnit = z.enum([
  "agents",
  "bytes",
  "characters",
  "endpoints",
  "events",
  "items",
  "keys",
  "levels",
  "links",
  "requests",
  "seconds",
  "streams",
]);

/** One limit, as it is published. */
export const GatewayLimit = z
  .object({
    name: z
      .string()
      .describe("Its name; stays the same")
      .meta({ examples: ["pageItems"] }),
    most: z
      .number()
      .describe("The most that is taken")
      .meta({ examples: [100] }),
    unit: LimitUnit.describe("What it counts").meta({ examples: ["items"] }),
    perSeconds: z.int().optional().describe("The limit holds for each span of so many seconds"),
    code: z
      .string()
      .nullable()
      .describe("Code of the problem by which more is refused; null where more is not refused"),
    description: z
      .string()
      .describe("What it limits, and what becomes of more that is not refused")
      .meta({ examples: ["A page"] }),
  })
  .meta({ id: "GatewayLimit", description: "One limit of the gateway" });
export type GatewayLimit = z.infer<typeof GatewayLimit>;

/** Every limit of a gateway. */
export const GatewayLimits = z
  .object({ limits: z.array(GatewayLimit).describe("The limits") })
  .meta({ id: "GatewayLimits", description: "Every limit of the gateway" });
export type GatewayLimits = z.infer<typeof GatewayLimits>;

interface FixedLimit {
  readonly most: number;
  readonly unit: z.infer<typeof LimitUnit>;
  readonly code: ProblemCode | null;
  readonly description: string;
}

/**
 * Every limit that is the same in all gateways: a new one is a line here. Whoever holds a limit reads it here; those that
 * a gateway chooses are published beside these by the rooms that hold them.
 */
export const LIMITS = {
  urlBytes: { most: 8_192, unit: "bytes", code: "uri_too_long", description: "An address with its query" },
  headerBytes: {
    most: 8_192,
    unit: "bytes",
    code: "headers_too_large",
    description: "The name and value of one header",
  },
  headersBytes: {
    most: 32_768,
    unit: "bytes",
    code: "headers_too_large",
    description: "The names and values of all headers",
  },
  bodyBytes: {
    // The engine takes params of 1 MiB, and some of that is the gateway's own.
    most: 1_048_576 - 4_096,
    unit: "bytes",
    code: "payload_too_large",
    description: "A body, as it is sent and as it is written down: params and payloads are as large at most",
  },
  bodyLevels: {
    // What is deeper breaks those who walk it by recursion.
    most: 64,
    unit: "levels",
    code: "invalid_request",
    description: "How deep a body is nested",
  },
  nameCharacters: {
    most: LONGEST_NAME,
    unit: "characters",
    code: "invalid_request",
    description: "The name of an agent, the id of an instance",
  },
  agentLevels: {
    most: MAX_DEPTH,
    unit: "levels",
    code: "not_found",
    description: "How deep agents are nested, the root included",
  },
  metadataKeys: {
    most: 50,
    unit: "keys",
    code: "invalid_request",
    description: "The metadata of an instance",
  },
  metadataKeyCharacters: {
    most: 64,
    unit: "characters",
    code: "invalid_request",
    description: "A key of metadata",
  },
  metadataValueCharacters: {
    most: 512,
    unit: "characters",
    code: "invalid_request",
    description: "A text in metadata",
  },
  metadataFilterCharacters: {
    most: 4_096,
    unit: "characters",
    code: "invalid_request",
    description: "The metadata by which a list is filtered",
  },
  reasonCharacters: {
    most: 2_000,
    unit: "characters",
    code: "invalid_request",
    description: "The reason of a decision",
  },
  idempotencyKeyCharacters: {
    most: 255,
    unit: "characters",
    code: "invalid_request",
    description: "An idempotency key",
  },
  pageItems: {
    most: 100,
    unit: "items",
    code: "invalid_request",
    description: "A page; a list over a subtree also looks at 50 agents at most, and goes on by its cursor",
  },
  batchItems: { most: 100, unit: "items", code: "invalid_request", description: "The starts of one batch" },
  trpcCalls: {
    most: 10,
    unit: "requests",
    code: "invalid_request",
    description: "The calls of one batch of tRPC; one body limit holds for all of them",
  },
  delaySeconds: {
    most: 365 * 86_400,
    unit: "seconds",
    code: "invalid_request",
    description: "How long a start is delayed",
  },
  waitSeconds: {
    most: 60,
    unit: "seconds",
    code: null,
    description: "How long `Prefer: wait` holds an answer; who asks for more gets this",
  },
  streamTokenSeconds: {
    most: 900,
    unit: "seconds",
    code: "invalid_request",
    description: "How long a stream token is good for",
  },
  approvalLinks: {
    most: 50,
    unit: "links",
    code: "too_many_links",
    description: "The links of one approval that can be used at a time",
  },
  linkSeconds: {
    most: 30 * 86_400,
    unit: "seconds",
    code: "invalid_request",
    description: "How long a link is good for",
  },
  formBytes: {
    most: 65_536,
    unit: "bytes",
    code: "payload_too_large",
    description: "The form on the page behind a link",
  },
  webhookEndpoints: {
    most: 100,
    unit: "endpoints",
    code: "too_many_endpoints",
    description: "The webhook endpoints of the gateway",
  },
  instanceEvents: {
    most: 10_000,
    unit: "events",
    code: null,
    description: "The events of an instance that are kept, unless its workflow says otherwise; older ones go",
  },
  agentEvents: {
    most: 1_000,
    unit: "events",
    code: null,
    description: "The events of an agent itself that are kept; older ones go",
  },
} as const satisfies Record<string, FixedLimit>;

/** {@link LIMITS} as they are published. */
export function fixedLimits(): GatewayLimit[] {
  return Object.entries(LIMITS).map(([name, limit]) => ({ name, ...limit }));
}
