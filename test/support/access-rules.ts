/** Stands for the signature of a request in place of a scope. */
export const SIGNED = "a signature";

/**
 * Who may do what, written down by people, beside the code and not from it: the scope of every operation, as anybody would
 * name it who knows what the operation does. `null` is for everybody; {@link SIGNED} for who signs the request itself, and for nobody
 * who has anything else.
 */
export const SCOPES: Readonly<Record<string, string | null>> = {
  "GET /healthz": null,
  "GET /readyz": null,
  "GET /limits": "agents:read",
  "GET /agents": "agents:read",
  "GET /keys": "keys:manage",
  "POST /keys": "keys:manage",
  "GET /keys/{keyId}": "keys:manage",
  "POST /keys/{keyId}/rotate": "keys:manage",
  "DELETE /keys/{keyId}": "keys:manage",
  "GET /audit": "audit:read",
  "GET /audit/verification": "audit:read",
  "POST /webhooks/approvals": SIGNED,
  "GET /webhooks/endpoints": "webhooks:manage",
  "POST /webhooks/endpoints": "webhooks:manage",
  "GET /webhooks/endpoints/{endpointId}": "webhooks:manage",
  "PATCH /webhooks/endpoints/{endpointId}": "webhooks:manage",
  "DELETE /webhooks/endpoints/{endpointId}": "webhooks:manage",
  "POST /webhooks/endpoints/{endpointId}/test": "webhooks:manage",
  "POST /webhooks/endpoints/{endpointId}/enable": "webhooks:manage",
  "POST /webhooks/endpoints/{endpointId}/rotate-secret": "webhooks:manage",
  "POST /webhooks/endpoints/{endpointId}/redeliver": "webhooks:manage",
  "GET /webhooks/endpoints/{endpointId}/deliveries": "webhooks:manage",
  "GET /webhooks/endpoints/{endpointId}/deliveries/{deliveryId}": "webhooks:manage",
  "POST /webhooks/endpoints/{endpointId}/deliveries/{deliveryId}/redeliver": "webhooks:manage",
  "GET {agent}": "agents:read",
  "PUT {agent}": "agents:call",
  "DELETE {agent}": "instances:control",
  "GET {agent}/sub": "agents:read",
  "GET {agent}/state": "agents:read",
  "PUT {agent}/state": "agents:call",
  "PATCH {agent}/state": "agents:call",
  "DELETE {agent}/state": "agents:call",
  "POST {agent}/methods/{method}": "agents:call",
  "POST {agent}/workflows/{workflow}": "instances:start",
  "POST {agent}/workflows/{workflow}/batch": "instances:start",
  "POST {agent}/workflows/{workflow}/migrate-binding": "instances:control",
  "GET {agent}/events": "instances:read",
  "POST {agent}/stream-tokens": "instances:read",
  "DELETE {agent}/stream-tokens/{tokenId}": "instances:read",
  "GET {agent}/instances": "instances:read",
  "DELETE {agent}/instances": "instances:control",
  "GET {agent}/instances/{instanceId}": "instances:read",
  "DELETE {agent}/instances/{instanceId}": "instances:control",
  "GET {agent}/instances/{instanceId}/events": "instances:read",
  "POST {agent}/instances/{instanceId}/events": "instances:control",
  "POST {agent}/instances/{instanceId}/pause": "instances:control",
  "POST {agent}/instances/{instanceId}/resume": "instances:control",
  "POST {agent}/instances/{instanceId}/restart": "instances:control",
  "POST {agent}/instances/{instanceId}/terminate": "instances:control",
  "POST {agent}/instances/{instanceId}/stream-tokens": "instances:read",
  "POST {agent}/instances/{instanceId}/approve": "approvals:decide",
  "POST {agent}/instances/{instanceId}/reject": "approvals:decide",
  "GET {agent}/approvals": "instances:read",
  "GET {agent}/approvals/{approvalId}": "instances:read",
  "POST {agent}/approvals/{approvalId}/approve": "approvals:decide",
  "POST {agent}/approvals/{approvalId}/reject": "approvals:decide",
  "GET {agent}/approvals/{approvalId}/links": "approvals:delegate",
  "POST {agent}/approvals/{approvalId}/links": "approvals:delegate",
  "DELETE {agent}/approvals/{approvalId}/links/{linkId}": "approvals:delegate",
  "GET {agent}/audit": "audit:read",
  "GET {agent}/audit/verification": "audit:read",
};

/** Operations about the gateway as a whole, which only who reaches every agent may do. */
const isAboutWholeGateway = (operation: string): boolean => / \/(?:audit|webhooks)(?:\/|$)/.test(operation);

/** Operations that answer 404 on what is not there; the others are tried in a way that is refused before they look. */
const LOOKING: readonly string[] = [
  "DELETE {agent}/stream-tokens/{tokenId}",
  "DELETE {agent}/approvals/{approvalId}/links/{linkId}",
];

/** What a credential is worth: nothing, or scopes and tenants. */
export type Worth =
  | "nothing"
  | { readonly scopes: readonly string[] | "all"; readonly tenants: readonly string[] | "all" };

/** Whose agent is asked: that of the tenant, that of another one, or none that there is. */
export const OWNERS = ["own", "other", "missing"] as const;
export type Owner = (typeof OWNERS)[number];

/** `yes` if the request gets as far as the operation. */
export type Access = "yes" | "401" | "403" | "404";

/** What must come of it. @param operation as {@link SCOPES} has it. @param tenant whose agent is asked; undefined for the gateway itself. */
export function expectedAccess(operation: string, worth: Worth, owner: Owner, tenant: string): Access {
  const scope = SCOPES[operation];
  if (scope === undefined) throw new Error(`no rule says who may ${operation}`);
  if (scope === null) return "yes";
  if (scope === SIGNED) return "401";
  if (worth === "nothing") return "401";
  const { scopes, tenants } = worth;
  if (scopes !== "all" && !scopes.includes(scope)) return "403";
  if (!operation.includes("{agent}"))
    return isAboutWholeGateway(operation) && tenants !== "all" ? "403" : "yes";
  if (tenants !== "all" && !tenants.includes(tenant)) return "404";
  const looks = operation.startsWith("GET") || LOOKING.includes(operation);
  return owner === "missing" && looks ? "404" : "yes";
}

/** An operation of a document as {@link SCOPES} names it: classes, workflows and methods are all alike. */
export function ruleName(method: string, path: string): string {
  const general = path
    .replace(/^\/agents\/[a-z-]+\/\{\w+\}(?:\/sub\/[a-z-]+\/\{\w+\})*/, "{agent}")
    .replace(/\/workflows\/[a-z-]+/, "/workflows/{workflow}")
    .replace(/\/methods\/\w+/, "/methods/{method}");
  return `${method.toUpperCase()} ${general}`;
}
