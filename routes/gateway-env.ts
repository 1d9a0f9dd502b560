import type { CallbackSenders } from "../src/gateway/auth/callback-senders";
import type { LinkTokens } from "../src/gateway/auth/link-token";
import type { Authenticator, Principal } from "../src/gateway/auth/principal";
import type { OpenDirectory, Port } from "../src/gateway/port";
import type { StreamLimits } from "../src/gateway/stream/limits";

/** What every request carries with it. */
export interface GatewayEnv {
  Variables: {
    requestId: string;
    port: Port;
    directory: OpenDirectory;
    authenticator: Authenticator;
    linkTokens: LinkTokens;
    callbackSenders: CallbackSenders;
    /** Under which the gateway is reached. */
    origin: string;
    principal: Principal;
    streams: StreamLimits;
  };
}
