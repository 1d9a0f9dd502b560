import type { AgentPath } from "../contract/names";
import type { Scope } from "../contract/scope";
import type { StreamTokens } from "./stream-token";

/** What somebody would do something to. */
export interface Target {
  readonly path: AgentPath;
  /** Undefined if it is the agent itself, or all of its instances. */
  readonly instanceId: string | undefined;
}

/** Who asks: a verified name, and what it may do where. */
export interface Principal {
  /** Shown as `decidedBy`; never taken from a body. */
  readonly name: string;
  /** Its scopes, `all` if it may do everything; also such that only an author knows, which a gate asks for. */
  readonly scopes: readonly string[] | "all";
  /** Whether it may do this to that target; `undefined` asks whether there is any. */
  readonly may: (scope: Scope, target: Target | undefined) => boolean;
  /** The stream token that it came with, if it came with one. */
  readonly token?: { readonly id: string; readonly expiresAt: number };
}

/** Tells who sent a request. */
export interface Authenticator {
  /** Whether anybody could be let in at all. */
  readonly configured: boolean;
  readonly streamTokens: StreamTokens;
  /** @returns undefined if the credentials are missing or wrong. */
  authenticate(request: Request): Promise<Principal | undefined>;
}
