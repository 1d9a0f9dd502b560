import type { Store } from "../durable/store";
import type { GatewayStub } from "./stub";

/** What sub-agents are reached by: the platform's own way, beneath the SDK's. */
export interface ChildPlatform {
  readonly facets: DurableObjectState["facets"];
  /** The class of a sub-agent, as the Worker exports it. */
  classOf(className: string): DurableObjectClass;
  /** The id that a sub-agent was given, by the name that the SDK made for it. */
  idOf(identityName: string): DurableObjectId;
}

/** What the SDK keeps of a sub-agent: by which name the platform knows it. */
interface IdentityRow extends Record<string, SqlStorageValue> {
  identity_version: string | null;
  identity_name: string | null;
}

/**
 * The sub-agents that were reached by the SDK's `get` in this life of the Agent. That writes a row here and three in the
 * sub-agent, and asks it a first time, whenever it is called; but what it tells a sub-agent is kept there for good. So who is
 * known is asked at once, and if it sleeps the platform wakes it, as the SDK would have.
 */
export class KnownChildren {
  readonly #known = new Set<string>();
  readonly #store: Store;
  readonly #platform: ChildPlatform;

  constructor(store: Store, platform: ChildPlatform) {
    this.#store = store;
    this.#platform = platform;
  }

  /** @returns undefined if it is not known, or is not there any more. */
  find(className: string, name: string): GatewayStub | undefined {
    const key = keyOf(className, name);
    if (!this.#known.has(key)) return undefined;
    const [row] = this.#store.rows<IdentityRow>(
      "SELECT identity_version, identity_name FROM cf_agents_sub_agents WHERE class = ? AND name = ?",
      className,
      name,
    );
    if (row === undefined) return undefined;
    const stub = this.#platform.facets.get(key, () => ({
      class: this.#platform.classOf(className),
      id: this.#platform.idOf(row.identity_version === "path-v2" ? (row.identity_name ?? name) : name),
    }));
    // The classes of definitions were made with `withGateway`.
    return stub as unknown as GatewayStub;
  }

  /** Notes that the SDK has reached it. */
  met(className: string, name: string): void {
    this.#known.add(keyOf(className, name));
  }

  /** Has the SDK reach it next time: it is made, or deleted. */
  forget(className: string, name: string): void {
    this.#known.delete(keyOf(className, name));
  }
}

/** What the SDK calls a sub-agent for the platform. */
function keyOf(className: string, name: string): string {
  return `${className}\0${name}`;
}
