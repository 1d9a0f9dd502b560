import type { AgentPath } from "../contract/names";
import type { Scope } from "../contract/scope";

/** Who asks: a verified name, and what it may do where. */
export interface Principal {
  /** Shown as `decidedBy`; never taken from a body. */
  readonly name: string;
  /** Whether it may do this to that agent; `undefined` means the gateway itself. */
  may(scope: Scope, path: AgentPath | undefined): boolean;
}

/** Tells who sent a request. */
export interface Authenticator {
  /** Whether anybody could be let in at all. */
  readonly configured: boolean;
  /** @returns undefined if the credentials are missing or wrong. */
  authenticate(request: Request): Promise<Principal | undefined>;
}
