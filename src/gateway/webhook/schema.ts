import type { Schema } from "../durable/store";

/** Each entry brings the tables from the version before it to its own; entries are only ever added. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE switchyard_messages (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    ended_at INTEGER,
    round TEXT NOT NULL,
    failures INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_messages_by_due ON switchyard_messages (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX switchyard_messages_by_status ON switchyard_messages (status, ordinal);
  CREATE INDEX switchyard_messages_by_end ON switchyard_messages (status, ended_at) WHERE ended_at IS NOT NULL;

  CREATE TABLE switchyard_attempts (
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    next_at INTEGER,
    PRIMARY KEY (message, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE switchyard_secrets (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    made_by TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL,
    valid_until INTEGER
  ) STRICT;
  `,
];

/** The tables of one webhook endpoint. */
export const ENDPOINT_SCHEMA: Schema = { migrations: MIGRATIONS };
