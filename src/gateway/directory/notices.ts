import type { Row, Store } from "../durable/store";
import type { Message } from "../webhook/messages";

interface NoticeRow extends Row {
  ordinal: number;
  endpoint: string;
  message: string;
}

/** Notices that one call hands over, at most. */
const AT_ONCE = 100;

/** What the gateway itself tells endpoints, until their own objects have it. */
export class Notices {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Inside a change. */
  add(endpointId: string, message: Message): void {
    this.#store.run(
      "INSERT INTO switchyard_notices (endpoint, message) VALUES (?, ?)",
      endpointId,
      JSON.stringify(message),
    );
  }

  /** Who is still to be told something. */
  endpoints(): string[] {
    const query = "SELECT DISTINCT endpoint FROM switchyard_notices";
    return this.#store.rows<{ endpoint: string }>(query).map(({ endpoint }) => endpoint);
  }

  /** What one is told next, and what notes that it was; undefined if there is nothing. */
  next(endpointId: string): { readonly messages: readonly Message[]; readonly done: () => void } | undefined {
    const query = "SELECT * FROM switchyard_notices WHERE endpoint = ? ORDER BY ordinal LIMIT ?";
    const rows = this.#store.rows<NoticeRow>(query, endpointId, AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    return {
      messages: rows.map(({ message }) => JSON.parse(message) as Message),
      done: () => {
        this.#store.run(
          "DELETE FROM switchyard_notices WHERE endpoint = ? AND ordinal <= ?",
          endpointId,
          last.ordinal,
        );
      },
    };
  }
}
