import type { Metadata } from "../contract/instance";
import type { Store } from "../durable/store";

/** The index by which lists find instances: of their metadata the keys that the agent's workflows declare, and no others. */
export class Labels {
  readonly #store: Store;
  readonly #declared: readonly string[];

  constructor(store: Store, declared: readonly string[]) {
    this.#store = store;
    this.#declared = declared;
  }

  /**
   * Makes the index one of what is declared now: a key that is new finds older instances too, one statement for each key.
   * Cheap when nothing has changed. Inside a change.
   */
  bringUpToDate(): void {
    const declared = JSON.stringify(this.#declared);
    const known = this.#store.findMeta("labels") ?? "[]";
    if (known === declared) return;
    const indexed = JSON.parse(known) as string[];
    for (const key of indexed.filter((one) => !this.#declared.includes(one))) {
      this.#store.run("DELETE FROM switchyard_labels WHERE key = ?", key);
    }
    for (const key of this.#declared.filter((one) => !indexed.includes(one))) {
      this.#store.run(
        `INSERT INTO switchyard_labels SELECT ?, metadata -> ?, ordinal FROM switchyard_instances
         WHERE metadata -> ? IS NOT NULL`,
        key,
        `$."${key}"`,
        `$."${key}"`,
      );
    }
    this.#store.setMeta("labels", declared);
  }

  /** Lets lists find an instance that was just put on record. Inside a change. */
  add(ordinal: number, metadata: Metadata): void {
    // The first instance of all makes the index.
    this.bringUpToDate();
    for (const [key, text] of this.#indexed(metadata)) {
      this.#store.run(
        "INSERT INTO switchyard_labels VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        key,
        text,
        ordinal,
      );
    }
  }

  /** Forgets an instance. Inside a change. */
  remove(ordinal: number, metadata: Metadata): void {
    for (const [key, text] of this.#indexed(metadata)) {
      this.#store.run(
        "DELETE FROM switchyard_labels WHERE key = ? AND value = ? AND ordinal = ?",
        key,
        text,
        ordinal,
      );
    }
  }

  #indexed(metadata: Metadata): (readonly [key: string, text: string])[] {
    return this.#declared.flatMap((key) => {
      const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
      return value === undefined ? [] : [[key, labelText(value)] as const];
    });
  }
}

/** A label as it is indexed: JSON text, in which "1", 1 and true differ. */
export function labelText(value: string | number | boolean): string {
  return JSON.stringify(value);
}
