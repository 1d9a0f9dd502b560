import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { AgentPattern } from "../contract/agent-pattern";
import { RESERVED_NAMES } from "../contract/key";
import { ProblemError } from "../contract/problem";
import { DefinitionError } from "../registry/definition-error";
import { type Principal, principalOf } from "./principal";

/** Another system that decides approvals by signed callbacks. */
export interface CallbackSender {
  /** Shown as `decidedBy`. */
  readonly name: string;
  /**
   * Name of the environment variable that holds its secret: `whsec_` and base64 of at least 24 bytes, or `whpk_` and the
   * base64 of an Ed25519 public key. While it changes, several, by spaces: each will do.
   */
  readonly secret: string;
  /** Which agents' approvals it may decide, as `/agents/catalog/**`; those of all, unless given. */
  readonly agents?: readonly string[];
  /** Scopes that it has beside `approvals:decide`: such as a gate asks for. */
  readonly scopes?: readonly string[];
}

/** A callback as it came, with what Standard Webhooks signs. */
export interface SignedCallback {
  readonly id: string;
  /** Seconds, as text. */
  readonly timestamp: string;
  /** One or more, by spaces, each with its version. */
  readonly signature: string;
  readonly body: string;
}

/** Tells who signed a callback. */
export interface CallbackSenders {
  /** How they are named where somebody decided: no key may have such a name. */
  readonly names: readonly string[];
  /**
   * @returns the sender; undefined if nobody who is known signed this, or it is not of these five minutes.
   * @throws ProblemError `gateway_not_configured`
   */
  verify(callback: SignedCallback): Promise<Principal | undefined>;
}

const DECIDE = "approvals:decide";
const EVERYWHERE = ["/**"];
const PUBLIC_KEY = "whpk_";
const PUBLIC_KEY_BYTES = 32;
const SHORTEST_SECRET_BYTES = 24;
/** How far the time of a callback may be from now. */
const TOLERANCE_SECONDS = 300;
/** Most signatures that one callback may have: each may cost a verification. */
const MOST_SIGNATURES = 10;

/** @throws DefinitionError if two have one name, or one that is somebody else's, or a pattern is none. */
export function checkSenders(senders: readonly CallbackSender[]): void {
  const names = senders.map(({ name }) => name);
  for (const { name, secret, agents = [] } of senders) {
    if (name === "" || names.indexOf(name) !== names.lastIndexOf(name))
      throw new DefinitionError(
        `callbacks.senders: the name "${name}" is empty or there twice. Give each its own.`,
      );
    if (RESERVED_NAMES.includes(name) || name.includes(":"))
      throw new DefinitionError(
        `callbacks.senders: "${name}" is how somebody else is known. Choose a name without a colon, that is none of ` +
          `${RESERVED_NAMES.join(", ")}.`,
      );
    if (!/^[A-Za-z_]\w*$/.test(secret))
      throw new DefinitionError(
        `callbacks.senders: secret of "${name}" must be the name of an environment variable, and not the secret itself.`,
      );
    const wrong = agents.find((pattern) => !AgentPattern.safeParse(pattern).success);
    if (wrong !== undefined)
      throw new DefinitionError(
        `callbacks.senders: "${wrong}" of "${name}" is no pattern of agents. Write /agents/class/name, or /agents/class/**.`,
      );
  }
}

/** @param env holds their secrets. */
export function callbackSenders(senders: readonly CallbackSender[], env: object): CallbackSenders {
  return {
    names: senders.map(({ name }) => name),
    async verify(callback) {
      if (senders.length === 0)
        throw new ProblemError("gateway_not_configured", {
          detail: "Name the systems that may send callbacks in callbacks.senders of createGateway.",
        });
      let mistake: ProblemError | undefined;
      for (const sender of senders) {
        const secrets = secretsOf(env, sender);
        if (secrets === undefined) mistake ??= misconfigured(sender);
        else if (await isSignedWith(secrets, callback)) return senderOf(sender);
      }
      // Whoever is known is let in, also while another sender is not set up yet.
      if (mistake !== undefined) throw mistake;
      return undefined;
    },
  };
}

/** Beside deciding, its scopes are such as gates ask for: it is let in nowhere else. */
function senderOf({ name, agents = EVERYWHERE, scopes = [] }: CallbackSender): Principal {
  return principalOf(name, { scopes: [DECIDE, ...scopes], agents });
}

/** @returns undefined if the variable is not set, or any of its secrets is none. */
function secretsOf(env: object, { secret }: CallbackSender): readonly string[] | undefined {
  const value: unknown = Reflect.get(env, secret);
  const secrets = typeof value === "string" ? value.split(/[\s,]+/).filter((one) => one !== "") : [];
  return secrets.length > 0 && secrets.every(isSecret) ? secrets : undefined;
}

function isSecret(secret: string): boolean {
  const key = bytesOf(secret);
  if (key === undefined) return false;
  return secret.startsWith(PUBLIC_KEY)
    ? key.length === PUBLIC_KEY_BYTES
    : key.length >= SHORTEST_SECRET_BYTES;
}

function bytesOf(secret: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(secret.replace(/^wh(?:sec|pk)_/, "")), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Whoever sent this is not known: which senders there are is for the log alone. */
function misconfigured({ name, secret }: CallbackSender): ProblemError {
  console.error(
    `switchyard: set the secret ${secret} of the sender "${name}" to whsec_ and base64 of at least ` +
      `${SHORTEST_SECRET_BYTES} random bytes, or to whpk_ and its Ed25519 public key`,
  );
  return new ProblemError("gateway_not_configured", {
    detail: "The secret of a sender of callbacks is not set, or is none: the log says which.",
  });
}

async function isSignedWith(secrets: readonly string[], callback: SignedCallback): Promise<boolean> {
  const signatures = callback.signature.split(" ");
  if (!isRecent(callback) || signatures.length > MOST_SIGNATURES) return false;
  for (const secret of secrets) {
    const isSigned = secret.startsWith(PUBLIC_KEY)
      ? await isSignedByKey(secret, signatures, callback)
      : isSignedBySecret(secret, callback);
    if (isSigned) return true;
  }
  return false;
}

function isRecent({ timestamp }: SignedCallback): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
}

function isSignedBySecret(secret: string, { id, timestamp, signature, body }: SignedCallback): boolean {
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  try {
    new Webhook(secret).verify(body, headers, { jsonParse: false });
    return true;
  } catch (failure) {
    if (failure instanceof WebhookVerificationError) return false;
    throw failure;
  }
}

/** Ed25519, which the library does not know. */
async function isSignedByKey(
  secret: string,
  signatures: readonly string[],
  { id, timestamp, body }: SignedCallback,
): Promise<boolean> {
  const raw = bytesOf(secret);
  if (raw === undefined) return false;
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  for (const signature of signatures.filter((one) => one.startsWith("v1a,"))) {
    const bytes = bytesOf(signature.slice("v1a,".length));
    if (bytes !== undefined && (await crypto.subtle.verify("Ed25519", key, bytes, signed))) return true;
  }
  return false;
}
