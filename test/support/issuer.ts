import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Algorithm = "RS256" | "ES256" | "EdDSA";

const PARAMETERS = {
  RS256: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
} as const;
const SIGNATURES = {
  RS256: "RSASSA-PKCS1-v1_5",
  ES256: { name: "ECDSA", hash: "SHA-256" },
  EdDSA: "Ed25519",
} as const;

/** Somebody who signs JWTs. */
export interface Signer {
  readonly kid: string;
  readonly alg: Algorithm;
  /** As it stands in a set of keys. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** Signs claims. What the header has beside `alg` and `kid`, or instead, may be given. */
  sign(claims: object, header?: object): Promise<string>;
}

/** Makes a signer with a new pair of keys. @param bits of a key of RSA. */
export async function createSigner(kid: string, alg: Algorithm = "ES256", bits = 2048): Promise<Signer> {
  const parameters = alg === "RS256" ? { ...PARAMETERS.RS256, modulusLength: bits } : PARAMETERS[alg];
  const pair = (await crypto.subtle.generateKey(parameters, true, ["sign", "verify"])) as CryptoKeyPair;
  const jwk = { ...(await crypto.subtle.exportKey("jwk", pair.publicKey)), kid, alg, use: "sig" };
  return {
    kid,
    alg,
    jwk,
    async sign(claims, header = {}) {
      const signed = `${encoded({ alg, kid, typ: "JWT", ...header })}.${encoded(claims)}`;
      const bytes = new TextEncoder().encode(signed);
      const signature = await crypto.subtle.sign(SIGNATURES[alg], pair.privateKey, bytes);
      return `${signed}.${Buffer.from(signature).toString("base64url")}`;
    },
  };
}

/** One part of a JWT. */
export function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

/** A server that publishes keys, on this machine. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: () => number;
  /** Changes what it answers with. */
  publish(...signers: readonly Signer[]): void;
  /** Has it answer with an error. */
  fail(): void;
}

/** Starts a server that publishes the keys of signers. */
export async function startIssuer(...signers: readonly Signer[]): Promise<Issuer> {
  let published = signers;
  let status = 200;
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/jwks.json`,
    asked: () => asked,
    publish: (...others) => {
      published = others;
      status = 200;
    },
    fail: () => {
      status = 500;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
