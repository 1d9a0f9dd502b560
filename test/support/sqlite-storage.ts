// oxlint-disable-next-line typescript/triple-slash-reference -- the types of the platform are global: there is nothing to import
/// <reference path="../../worker-configuration.d.ts" />
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

type Row = Record<string, SqlStorageValue>;

/** Real SQLite behind as much of `DurableObjectStorage` as the gateway's tables use. */
export interface SqliteStorage {
  readonly storage: DurableObjectStorage;
  /** Runs any query, past the gateway. */
  readonly query: (sql: string) => Row[];
  /** Every query that the gateway made. */
  readonly queries: readonly string[];
}

/** Opens a database in memory. */
export function sqliteStorage(): SqliteStorage {
  const database = new DatabaseSync(":memory:");
  const queries: string[] = [];
  let depth = 0;

  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    queries.push(query);
    const rows = run(database, query, bindings);
    return { toArray: () => rows };
  };
  const transactionSync = <Result>(work: () => Result): Result => {
    const savepoint = `nested_${depth}`;
    database.exec(`SAVEPOINT ${savepoint}`);
    depth += 1;
    try {
      return work();
    } catch (failure) {
      database.exec(`ROLLBACK TO ${savepoint}`);
      throw failure;
    } finally {
      depth -= 1;
      database.exec(`RELEASE ${savepoint}`);
    }
  };
  return {
    storage: { sql: { exec }, transactionSync, sync: async () => {} } as unknown as DurableObjectStorage,
    query: (sql) => run(database, sql, []),
    queries,
  };
}

function run(database: DatabaseSync, query: string, bindings: readonly SqlStorageValue[]): Row[] {
  // Several statements at once have no bindings and no rows.
  if (query.trim().replace(/;$/, "").includes(";")) {
    database.exec(query);
    return [];
  }
  const rows = database.prepare(query).all(...(bindings as SQLInputValue[]));
  // On the platform a row is a plain object, as literals in tests are.
  return rows.map((row) => ({ ...row }) as Row);
}
