import { z } from "zod";
import { AgentPattern } from "./agent-pattern";
import type { Grant } from "./grant";
import { Scope } from "./scope";

/** Names of those who are no holder of a key. */
export const RESERVED_NAMES: readonly string[] = ["api-key", "agent", "gateway", "anonymous", "link"];

/** How a decision, or an entry of an audit log, names who holds a key. No name of a JWT's holder can be one: those have a colon. */
export const KeyName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._@-]{0,63}$/,
    "must be 1 to 64 of a-z 0-9 . _ @ -, and begin with a letter or digit",
  )
  .refine((name) => !RESERVED_NAMES.includes(name), "is a reserved name")
  .meta({ examples: ["build-server"] });

/** The id of a key, which is a part of the key and no secret. */
export const KeyId = z
  .string()
  .regex(/^[0-9A-Za-z]{16}$/)
  .meta({ examples: ["7Hq2LmZx0aTfB9Ke"] });

const RESOURCES = new Set(Scope.options.map((scope) => scope.split(":")[0]));

/** A scope of the gateway, or one of an author's own, of which the gateway knows only that gates ask for it. */
const GrantedScope = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9-]*(?::[a-z0-9-]+)+$/, "must be a scope, as in `instances:read`")
  .refine(
    (scope) => Scope.safeParse(scope).success || !RESOURCES.has(scope.split(":")[0]),
    `is no scope of the gateway; those are ${Scope.options.join(", ")}`,
  )
  .describe(`One of ${Scope.options.map((scope) => `\`${scope}\``).join(", ")}, or a scope of a gate's own`)
  .meta({ examples: ["instances:read"] });

const scopes = z.array(GrantedScope).min(1).max(50).describe("What it may do");
const agents = z
  .array(AgentPattern)
  .min(1)
  .max(100)
  .describe("The agents that it reaches. What it does not reach is not there for it");

/** What a key is to be. */
export const CreateKeyRequest = z
  .strictObject({
    name: KeyName.describe("Shown as who decided or did something; unique among the keys that are active"),
    scopes,
    agents,
    expiresAt: z.iso.datetime({ offset: true }).optional().describe("When it ends; never, unless given"),
  })
  .meta({ id: "CreateKeyRequest", description: "What a key is to be" });

/** Longest time, in seconds, for which a secret is good that was replaced: 30 days. */
const LONGEST_GRACE_SECONDS = 30 * 86_400;

export const RotateKeyRequest = z
  .strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(LONGEST_GRACE_SECONDS)
      .default(86_400)
      .describe("For how long the present secret is still good; 0 ends it, and all before it, at once"),
  })
  .meta({ id: "RotateKeyRequest", description: "What becomes of the present secret" });

/** One API key, without its secret, which nobody can show again. */
export const ApiKey = z
  .object({
    id: KeyId.describe("Id of the key, which stands in the key itself"),
    name: z
      .string()
      .describe("Shown as who decided or did something")
      .meta({ examples: ["build-server"] }),
    scopes: z
      .array(z.string())
      .describe("What it may do")
      .meta({ examples: [["instances:read"]] }),
    agents: z
      .array(z.string())
      .describe("The agents that it reaches")
      .meta({ examples: [["/agents/order-desk/**"]] }),
    status: z.enum(["active", "expired", "revoked"]).describe("Whether it can be used; `active` if so"),
    createdAt: z.iso.datetime().describe("When it was made"),
    createdBy: z
      .string()
      .describe("Name of the principal who made it")
      .meta({ examples: ["api-key"] }),
    expiresAt: z.iso.datetime().nullable().describe("When it ends"),
    rotatedAt: z.iso.datetime().nullable().describe("When it last got a new secret"),
    previousSecretUntil: z.iso
      .datetime()
      .nullable()
      .describe("Until when the secret before is still good; null if it is not"),
    revokedAt: z.iso.datetime().nullable().describe("When it was revoked"),
    links: z
      .object({
        self: z
          .string()
          .describe("The key")
          .meta({ examples: ["/keys/7Hq2LmZx0aTfB9Ke"] }),
      })
      .describe("Addresses of what belongs to it"),
  })
  .meta({ id: "ApiKey", description: "An API key, without its secret" });
export type ApiKey = z.infer<typeof ApiKey>;

/** A key with its secret, as it is shown once. */
export const IssuedKey = ApiKey.extend({
  key: z
    .string()
    .describe("The key itself. It is shown once, and kept nowhere")
    .meta({ examples: ["sy_live_7Hq2LmZx0aTfB9Ke_…"] }),
}).meta({ id: "IssuedKey", description: "An API key, with its secret" });
export type IssuedKey = z.infer<typeof IssuedKey>;

/** A new secret of a key. */
export interface MintedKey {
  readonly id: string;
  /** The key as its holder gets it; it never leaves the Worker but in the answer. */
  readonly key: string;
  /** SHA-256 of the key, which is all that is kept. */
  readonly digest: string;
}

/** Who holds a key, as the check of it tells. */
export interface KeyHolder extends Grant {
  readonly name: string;
  /** When the secret that was shown ends, in milliseconds; null if it does not. */
  readonly expiresAt: number | null;
}
