/** A row of SQLite as it comes back. */
export type Row = Record<string, SqlStorageValue>;

/** Which tables there are. */
export interface Schema {
  /** Each entry brings the tables from the version before it to its own; entries are only ever added. */
  readonly migrations: readonly string[];
  /** Values of `switchyard_meta` beside `version`, `epoch` and `seal_key`, as they are when the tables are made. */
  readonly first?: () => Readonly<Record<string, string>>;
}

/** The gateway's own tables in the SQLite of a Durable Object: made on the first write, brought up to date when it wakes. */
export class Store {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  /** Values that were read or written: nobody else writes them. */
  readonly #meta = new Map<string, string | undefined>();
  #open = false;
  #rollbacks = 0;

  constructor(storage: DurableObjectStorage, schema: Schema) {
    this.#storage = storage;
    this.#schema = schema;
  }

  /** Whether anything was ever written here. Asking writes nothing. */
  exists(): boolean {
    return this.#open || this.hasTable("switchyard_meta");
  }

  /** Makes the tables, or brings them to the newest version. Cheap when there is nothing to do. */
  open(): void {
    if (this.#open) return;
    const { migrations, first } = this.#schema;
    this.transact(() => {
      const version = this.hasTable("switchyard_meta") ? Number(this.meta("version")) : 0;
      if (version === 0) {
        this.run("CREATE TABLE switchyard_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT");
        this.setMeta("epoch", crypto.randomUUID().slice(0, 8));
        this.setMeta("seal_key", crypto.randomUUID());
        for (const [key, value] of Object.entries(first?.() ?? {})) this.setMeta(key, value);
      }
      for (const migration of migrations.slice(version)) this.run(migration);
      if (version < migrations.length) this.setMeta("version", String(migrations.length));
    });
    this.#open = true;
  }

  /** Reads a value of the object itself: `epoch` names this life of it, `seal_key` seals its cursors. */
  meta(key: string): string {
    const value = this.findMeta(key);
    if (value === undefined) throw new Error(`switchyard_meta lacks ${key}`);
    return value;
  }

  /** Reads a value that may not be there. */
  findMeta(key: string): string | undefined {
    if (this.#meta.has(key)) return this.#meta.get(key);
    const [row] = this.rows<{ value: string }>("SELECT value FROM switchyard_meta WHERE key = ?", key);
    this.#meta.set(key, row?.value);
    return row?.value;
  }

  setMeta(key: string, value: string): void {
    this.run("INSERT OR REPLACE INTO switchyard_meta (key, value) VALUES (?, ?)", key, value);
    this.#meta.set(key, value);
  }

  /** Runs statements for their effect. */
  run(sql: string, ...bindings: SqlStorageValue[]): void {
    this.#storage.sql.exec(sql, ...bindings);
  }

  /** Runs a statement for its effect. @returns how many rows it changed, indexes not counted. */
  change(sql: string, ...bindings: SqlStorageValue[]): number {
    this.run(sql, ...bindings);
    return this.rows<{ changed: number }>("SELECT changes() AS changed")[0]?.changed ?? 0;
  }

  /** Runs a query. */
  rows<Shape extends Row>(sql: string, ...bindings: SqlStorageValue[]): Shape[] {
    return this.#storage.sql.exec<Shape>(sql, ...bindings).toArray();
  }

  /** How often something was taken back: what was found out before may be true no more. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** All of `work`, or nothing of it. */
  transact<Result>(work: () => Result): Result {
    try {
      return this.#storage.transactionSync(work);
    } catch (failure) {
      // What was written was taken back.
      this.#meta.clear();
      this.#rollbacks += 1;
      throw failure;
    }
  }

  /** Whether there is a table of this name, be it ours or the SDK's. */
  hasTable(name: string): boolean {
    const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    return this.rows(query, name).length > 0;
  }
}
