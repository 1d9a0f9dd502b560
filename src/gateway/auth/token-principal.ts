import { formatAgentPath } from "../contract/names";
import type { StreamGrant } from "../contract/stream-token";
import { WHOLE_GATEWAY } from "./grant";
import type { Principal } from "./principal";

const READ = "instances:read";

/** The holder of a stream token: may read what was granted, and nothing else. */
export function tokenPrincipal({ id, caller, agent, instanceId, expiresAt }: StreamGrant): Principal {
  return {
    name: caller,
    scopes: [READ],
    agents: [agent],
    expiresAt,
    token: { id },
    may(scope, target) {
      if (scope !== READ || target === WHOLE_GATEWAY) return false;
      if (target === undefined) return true;
      const sameInstance = instanceId === undefined || target.instanceId === instanceId;
      return formatAgentPath(target.path) === agent && sameInstance;
    },
  };
}
