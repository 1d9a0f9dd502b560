import type { GatewayStub } from "./stub";

/** How the platform itself gives sub-agents, beneath the SDK. */
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
  readonly #storage: DurableObjectStorage;
  readonly #platform: ChildPlatform;

  constructor(storage: DurableObjectStorage, platform: ChildPlatform) {
    this.#storage = storage;
    this.#platform = platform;
  }

  /** Gives the stub of a sub-agent. @param get has the SDK reach it. */
  async reach(className: string, name: string, get: () => Promise<GatewayStub>): Promise<GatewayStub> {
    const key = keyOf(className, name);
    const identity = this.#known.has(key) ? this.#identityOf(className, name) : undefined;
    if (identity === undefined) {
      const stub = await get();
      this.#known.add(key);
      return stub;
    }
    const stub = this.#platform.facets.get(key, () => ({
      class: this.#platform.classOf(className),
      id: this.#platform.idOf(identity),
    }));
    // Classes of definitions were made with `withGateway`.
    return stub as unknown as GatewayStub;
  }

  /** Notes that the SDK is asked for a sub-agent: one that is not there is made, and not known before that is done. */
  asked(className: string, name: string): void {
    const key = keyOf(className, name);
    if (this.#known.has(key) && this.#identityOf(className, name) === undefined) this.#known.delete(key);
  }

  /** The name that the platform knows a sub-agent by; undefined if it is not there. */
  #identityOf(className: string, name: string): string | undefined {
    const query =
      "SELECT identity_version, identity_name FROM cf_agents_sub_agents WHERE class = ? AND name = ?";
    const [row] = this.#storage.sql.exec<IdentityRow>(query, className, name).toArray();
    return row && (row.identity_version === "path-v2" ? (row.identity_name ?? name) : name);
  }
}

/** What the SDK calls a sub-agent for the platform. */
function keyOf(className: string, name: string): string {
  return `${className}\0${name}`;
}
