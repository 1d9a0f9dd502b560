import type { GatewayEvent } from "../contract/event";
import type { Row, Store } from "../durable/store";
import { parseEventCursor } from "../stream/cursor";
import { payloadOf, type WebhookPayload } from "../webhook/payload";
import { type Listener, wants } from "../webhook/subscription";

/** A list of who listens that is older than this is asked for anew, in milliseconds. */
const FRESH_MS = 30_000;
/** Announcements that one call hands over, or matches, at most. */
const AT_ONCE = 100;

interface AnnouncementRow extends Row {
  ordinal: number;
  /** {@link WebhookPayload}, as JSON. */
  payload: string;
}

/** One thing that an endpoint is to be told. */
export type Announcement = WebhookPayload;

interface Listening {
  readonly listeners: readonly Listener[];
  /** When the directory was asked, in milliseconds. */
  readonly at: number;
}

/**
 * What webhook endpoints are to be told, written with the change that it tells of. Of whom nobody listens to, nothing is
 * written; while it is not known who listens, everything is, and matched later.
 */
export class Announcements {
  readonly #store: Store;
  #listening: Listening | undefined;
  #isNews = true;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether a change may bring about something to tell. */
  mayFollow(now: number): boolean {
    const listening = this.#fresh(now);
    return listening === undefined || listening.listeners.length > 0;
  }

  /** Writes down what somebody wants to hear of, or may want to. Inside a change. */
  write(events: readonly GatewayEvent[], now: number): void {
    const listening = this.#fresh(now);
    for (const event of events) {
      const addressees = listening && addresseesOf(event, listening.listeners);
      if (addressees?.length === 0) continue;
      this.#isNews = true;
      const payload = payloadOf(event, parseEventCursor(event.id)?.seq ?? 0);
      const [row] = this.#store.rows<{ ordinal: number }>(
        "INSERT INTO switchyard_announcements (payload, is_matched) VALUES (?, ?) RETURNING ordinal",
        JSON.stringify(payload),
        addressees === undefined ? 0 : 1,
      );
      if (row !== undefined) this.#address(row.ordinal, addressees ?? []);
    }
  }

  /** Whether there may be something to tell that nobody looked for yet. */
  get isNews(): boolean {
    return this.#isNews;
  }

  /** Notes that somebody looks, or is to look again. */
  set isNews(isNews: boolean) {
    this.#isNews = isNews;
  }

  /** How many are still to be told. */
  size(): number {
    if (!this.#store.exists()) return 0;
    const query = "SELECT count(*) AS n FROM switchyard_announcements";
    return this.#store.rows<{ n: number }>(query)[0]?.n ?? 0;
  }

  any(): boolean {
    return (
      this.#store.exists() && this.#store.rows("SELECT 1 FROM switchyard_announcements LIMIT 1").length > 0
    );
  }

  /** Whether it is still to be found out who wants some of them. */
  hasUnmatched(): boolean {
    return this.#unmatched(1).length > 0;
  }

  /** Takes who listens, and finds out who wants what was written meanwhile. Inside a change. @returns whether more is left. */
  match(listening: Listening): boolean {
    this.#listening = listening;
    this.#store.setMeta("listening", JSON.stringify(listening));
    const rows = this.#unmatched(AT_ONCE);
    for (const { ordinal, payload } of rows) {
      const { type, data } = JSON.parse(payload) as WebhookPayload;
      const workflow = typeof data["workflow"] === "string" ? data["workflow"] : undefined;
      const addressees = wanting({ type, workflow }, listening.listeners);
      if (addressees.length === 0)
        this.#store.run("DELETE FROM switchyard_announcements WHERE ordinal = ?", ordinal);
      else this.#store.run("UPDATE switchyard_announcements SET is_matched = 1 WHERE ordinal = ?", ordinal);
      this.#address(ordinal, addressees);
    }
    return rows.length === AT_ONCE;
  }

  /** Who is still to be told something. */
  addressees(): string[] {
    const query = "SELECT DISTINCT endpoint FROM switchyard_addressees";
    return this.#store.rows<{ endpoint: string }>(query).map(({ endpoint }) => endpoint);
  }

  /** What one is told next, and what notes, inside a change, that it was; undefined if there is nothing. */
  next(
    endpointId: string,
  ): { readonly announcements: readonly Announcement[]; readonly done: () => void } | undefined {
    const rows = this.#store.rows<AnnouncementRow>(
      `SELECT ordinal, payload FROM switchyard_addressees
       JOIN switchyard_announcements ON ordinal = announcement WHERE endpoint = ? ORDER BY announcement LIMIT ?`,
      endpointId,
      AT_ONCE,
    );
    if (rows.length === 0) return undefined;
    return {
      announcements: rows.map(({ payload }) => JSON.parse(payload) as WebhookPayload),
      done: () => {
        for (const { ordinal } of rows) this.#told(endpointId, ordinal);
      },
    };
  }

  /** What an endpoint asked for when the directory was asked last. */
  listener(endpointId: string): Listener | undefined {
    return this.#known()?.listeners.find((listener) => listener.endpointId === endpointId);
  }

  #told(endpointId: string, ordinal: number): void {
    this.#store.run(
      "DELETE FROM switchyard_addressees WHERE endpoint = ? AND announcement = ?",
      endpointId,
      ordinal,
    );
    this.#store.run(
      `DELETE FROM switchyard_announcements WHERE ordinal = ?
       AND NOT EXISTS (SELECT 1 FROM switchyard_addressees WHERE announcement = ?)`,
      ordinal,
      ordinal,
    );
  }

  #address(ordinal: number, addressees: readonly string[]): void {
    for (const endpointId of addressees) {
      this.#store.run("INSERT INTO switchyard_addressees VALUES (?, ?)", endpointId, ordinal);
    }
  }

  #unmatched(limit: number): AnnouncementRow[] {
    const query =
      "SELECT ordinal, payload FROM switchyard_announcements WHERE is_matched = 0 ORDER BY ordinal LIMIT ?";
    return this.#store.rows<AnnouncementRow>(query, limit);
  }

  #fresh(now: number): Listening | undefined {
    const listening = this.#known();
    return listening !== undefined && Math.abs(now - listening.at) < FRESH_MS ? listening : undefined;
  }

  #known(): Listening | undefined {
    if (this.#listening !== undefined || !this.#store.exists()) return this.#listening;
    const text = this.#store.findMeta("listening");
    this.#listening = text === undefined ? undefined : (JSON.parse(text) as Listening);
    return this.#listening;
  }
}

function addresseesOf(event: GatewayEvent, listeners: readonly Listener[]): string[] {
  const workflow = "workflow" in event ? event.workflow : undefined;
  // Steps are in no journal.
  return wanting({ type: event.type as WebhookPayload["type"], workflow }, listeners);
}

function wanting(occurrence: Parameters<typeof wants>[1], listeners: readonly Listener[]): string[] {
  return listeners.filter((listener) => wants(listener, occurrence)).map(({ endpointId }) => endpointId);
}
