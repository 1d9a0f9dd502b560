import { ANSWERS_TABLE } from "../durable/answers";
import { AUDIT_TABLE } from "../durable/audit-log";
import type { Schema } from "../durable/store";
import { KEYS_TABLE } from "./key-list";

/** Each entry brings the tables from the version before it to its own; entries are only ever added. */
const MIGRATIONS: readonly string[] = [
  AUDIT_TABLE,
  `
  ${ANSWERS_TABLE}

  CREATE TABLE switchyard_endpoints (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    maker TEXT NOT NULL,
    disabled_reason TEXT,
    disabled_at INTEGER,
    turn INTEGER NOT NULL,
    version INTEGER NOT NULL,
    told_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE switchyard_retired_endpoints (
    id TEXT PRIMARY KEY
  ) STRICT;

  CREATE TABLE switchyard_notices (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  `,
  KEYS_TABLE,
];

/** The tables of the directory. */
export const DIRECTORY_SCHEMA: Schema = { migrations: MIGRATIONS };
