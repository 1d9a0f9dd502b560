import { Webhook } from "standardwebhooks";

/** Bytes of a secret. */
const SECRET_BYTES = 32;

/** A new secret, as Standard Webhooks write it. */
export function newSecret(): string {
  return `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))))}`;
}

/** What is signed. */
export interface Signed {
  readonly id: string;
  /** When it is sent, in milliseconds. */
  readonly at: number;
  readonly body: string;
}

/** The headers of Standard Webhooks, with a signature for each secret. */
export function signedHeaders({ id, at, body }: Signed, secrets: readonly string[]): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(at), body));
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1_000)),
    "webhook-signature": signatures.join(" "),
  };
}
