import type { Grant } from "../contract/grant";
import type { MintedKey } from "../contract/key";
import type { Scope } from "../contract/scope";
import { allows, type Target, type WHOLE_GATEWAY } from "./grant";
import type { StreamTokens } from "./stream-token";

/** Who asks: a verified name, and what it may do where. */
export interface Principal extends Grant {
  /** Shown as `decidedBy`; never taken from a body. */
  readonly name: string;
  /** Whether it may do this to that target; `undefined` asks whether there is any. */
  readonly may: (scope: Scope, target: Target | typeof WHOLE_GATEWAY | undefined) => boolean;
  /** When its credentials end, in milliseconds; undefined if they do not. No stream outlives them. */
  readonly expiresAt?: number | undefined;
  /** The stream token that it came with, if it came with one. */
  readonly token?: { readonly id: string };
}

/** Tells who sent a request. */
export interface Authenticator {
  /** Whether anybody could be let in without a key that was issued. */
  readonly configured: boolean;
  readonly streamTokens: StreamTokens;
  /** Makes a new secret of a key; of a new key unless an id is given. */
  mintKey(id?: string): Promise<MintedKey>;
  /**
   * @returns undefined if the credentials are missing or wrong.
   * @throws ProblemError if they cannot be checked just now.
   */
  authenticate(request: Request): Promise<Principal | undefined>;
}

/** A principal that may do what its grant says. */
export function principalOf(name: string, { scopes, agents }: Grant, expiresAt?: number): Principal {
  const grant: Grant = { scopes, agents };
  return { name, ...grant, expiresAt, may: (scope, target) => allows(grant, scope, target) };
}
