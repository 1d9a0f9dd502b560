import type { Page } from "../contract/page";
import type { DisabledReason, Endpoint, EndpointSettings } from "../contract/webhook";
import { placeOfCursor, sealCursor } from "../durable/sealed-cursor";
import type { Row, Store } from "../durable/store";
import type { PageRequest } from "../port";
import { type Listener, listensTo, type Maker } from "../webhook/subscription";
import type { TargetConfig } from "../webhook/target";

export interface EndpointRow extends Row {
  ordinal: number;
  id: string;
  /** {@link EndpointSettings}, as JSON. */
  settings: string;
  /** {@link MakerOfEndpoint}, as JSON. */
  maker: string;
  /** Null of an endpoint that is enabled. */
  disabled_reason: DisabledReason | null;
  disabled_at: number | null;
  /** Grows each time that it is enabled or disabled. */
  turn: number;
  /** Grows with each change. */
  version: number;
  /** The version that its own object was told of. */
  told_version: number;
  created_at: number;
  updated_at: number;
}

/** Who made an endpoint, or changed last what it hears and where. */
export interface MakerOfEndpoint extends Maker {
  /** Whether it ever asked for links: what it was sent may carry some. */
  readonly isLinked: boolean;
}

const LIST = "endpoints";

/** The webhook endpoints of a gateway: who is told of what. */
export class Endpoints {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  count(): number {
    return (
      this.#store.rows<{ count: number }>("SELECT count(*) AS count FROM switchyard_endpoints")[0]?.count ?? 0
    );
  }

  find(id: string): EndpointRow | undefined {
    if (!this.#store.exists()) return undefined;
    return this.#store.rows<EndpointRow>("SELECT * FROM switchyard_endpoints WHERE id = ?", id)[0];
  }

  all(): EndpointRow[] {
    if (!this.#store.exists()) return [];
    return this.#store.rows<EndpointRow>("SELECT * FROM switchyard_endpoints ORDER BY ordinal");
  }

  /** A page, in the order in which they were made. @throws ProblemError `invalid_cursor` */
  page({ limit, cursor }: PageRequest): Page<Endpoint> {
    if (!this.#store.exists()) return { items: [], nextCursor: null };
    const after = cursor === undefined ? 0 : Number.parseInt(placeOfCursor(cursor, LIST, this.#store), 36);
    const query = "SELECT * FROM switchyard_endpoints WHERE ordinal > ? ORDER BY ordinal LIMIT ?";
    const rows = this.#store.rows<EndpointRow>(query, after, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map(toEndpoint),
      nextCursor: last === undefined ? null : sealCursor(last.ordinal.toString(36), LIST, this.#store),
    };
  }

  /** Inside a change. */
  add(id: string, settings: EndpointSettings, maker: MakerOfEndpoint, now: number): void {
    this.#store.run(
      `INSERT INTO switchyard_endpoints
         (id, settings, maker, turn, version, told_version, created_at, updated_at)
       VALUES (?, ?, ?, 1, 1, 0, ?, ?)`,
      id,
      JSON.stringify(settings),
      JSON.stringify(maker),
      now,
      now,
    );
  }

  /** Inside a change. */
  change({ id }: EndpointRow, settings: EndpointSettings, maker: MakerOfEndpoint, now: number): void {
    this.#store.run(
      "UPDATE switchyard_endpoints SET settings = ?, maker = ?, version = version + 1, updated_at = ? WHERE id = ?",
      JSON.stringify(settings),
      JSON.stringify(maker),
      now,
      id,
    );
  }

  /** Enables or disables one. Inside a change. @param reason null if it is enabled. @param at when, in milliseconds. */
  turn({ id }: EndpointRow, reason: DisabledReason | null, at: number, now: number): void {
    this.#store.run(
      `UPDATE switchyard_endpoints
       SET disabled_reason = ?, disabled_at = ?, turn = turn + 1, version = version + 1, updated_at = ? WHERE id = ?`,
      reason,
      reason === null ? null : at,
      now,
      id,
    );
  }

  /** Removes one; what its own object keeps is still to be wiped. Inside a change. */
  retire({ id }: EndpointRow): void {
    this.#store.run("DELETE FROM switchyard_endpoints WHERE id = ?", id);
    this.#store.run("INSERT OR IGNORE INTO switchyard_retired_endpoints VALUES (?)", id);
  }

  /** Those whose own objects are still to be wiped. */
  retired(): string[] {
    const query = "SELECT id FROM switchyard_retired_endpoints LIMIT 50";
    return this.#store.rows<{ id: string }>(query).map(({ id }) => id);
  }

  wiped(id: string): void {
    this.#store.run("DELETE FROM switchyard_retired_endpoints WHERE id = ?", id);
  }

  /** Those whose own objects do not know of the last change. */
  untold(): EndpointRow[] {
    return this.#store.rows<EndpointRow>("SELECT * FROM switchyard_endpoints WHERE told_version < version");
  }

  told(id: string, version: number): void {
    this.#store.run(
      "UPDATE switchyard_endpoints SET told_version = max(told_version, ?) WHERE id = ?",
      version,
      id,
    );
  }

  /** Who listens to an agent. @param agent its path. */
  listenersOf(agent: string): Listener[] {
    return this.all().flatMap((row) => {
      const { agents, eventTypes, workflows, approvalLinks } = settingsOf(row);
      if (!listensTo(agents, agent)) return [];
      const { name, scopes, origin } = makerOf(row);
      const links = approvalLinks === null ? null : { ...approvalLinks, name, scopes, origin };
      return [{ endpointId: row.id, eventTypes, workflows, approvalLinks: links }];
    });
  }
}

/** An endpoint as clients see it. */
export function toEndpoint(row: EndpointRow): Endpoint {
  const self = `/webhooks/endpoints/${row.id}`;
  const { disabled_reason: reason, disabled_at: at } = row;
  return {
    id: row.id,
    ...settingsOf(row),
    enabled: reason === null,
    disabled: reason === null ? null : { reason, at: iso(at ?? 0) },
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    links: { self, deliveries: `${self}/deliveries` },
  };
}

/** What the own object of an endpoint is to know. */
export function toTarget(row: EndpointRow): TargetConfig {
  const { id, version, turn } = row;
  return { id, url: settingsOf(row).url, version, turn, enabled: row.disabled_reason === null };
}

export function settingsOf({ settings }: EndpointRow): EndpointSettings {
  return JSON.parse(settings) as EndpointSettings;
}

export function makerOf({ maker }: EndpointRow): MakerOfEndpoint {
  return JSON.parse(maker) as MakerOfEndpoint;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
