import type { CallbackSenders } from "../src/gateway/auth/callback-senders";
import type { LinkTokens } from "../src/gateway/auth/link-token";
import type { Authenticator, Principal } from "../src/gateway/auth/principal";
import type { GatewayLimit } from "../src/gateway/contract/limits";
import type { ProblemCode } from "../src/gateway/contract/problem";
import type { OpenDirectory } from "../src/gateway/directory-port";
import type { Port } from "../src/gateway/port";
import type { StreamLimits } from "../src/gateway/stream/limits";
import type { RateLimit } from "./rate-policy";

/** The place of a request in a trace (W3C Trace Context). */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** What is carried on: this request, as the parent of what it causes. */
  readonly parent: string;
}

/** What every request carries with it. */
export interface GatewayEnv {
  Variables: {
    requestId: string;
    trace: Trace;
    port: Port;
    directory: OpenDirectory;
    authenticator: Authenticator;
    linkTokens: LinkTokens;
    callbackSenders: CallbackSenders;
    /** Under which the gateway is reached. */
    origin: string;
    principal: Principal;
    streams: StreamLimits;
    limits: readonly GatewayLimit[];
    rateLimit: RateLimit;
    /** Which operation it asks for, and by which door, as the log tells it. */
    route: {
      readonly door: "rest" | "trpc" | "mcp";
      readonly template: string | null;
      readonly agent: string | null;
    };
    /** Code of the problem that it is answered with. */
    problem: ProblemCode;
  };
}
