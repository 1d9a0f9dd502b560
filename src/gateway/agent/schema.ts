import { AUDIT_TABLE } from "../durable/audit-log";
import type { Schema } from "../durable/store";

/** Each entry brings the tables from the version before it to its own; entries are only ever added. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE switchyard_instances (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    engine_id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    binding TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    intent TEXT,
    voice TEXT NOT NULL DEFAULT 'unheard',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    check_at INTEGER,
    check_after INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    waiting_for TEXT,
    -- What may be large stands last: whoever looks for the rest need not read over it.
    params TEXT NOT NULL,
    progress TEXT,
    output TEXT,
    error TEXT
  ) STRICT;
  CREATE INDEX switchyard_instances_by_check ON switchyard_instances (check_at) WHERE check_at IS NOT NULL;
  CREATE INDEX switchyard_instances_by_status ON switchyard_instances (status, ordinal);
  CREATE INDEX switchyard_instances_by_end ON switchyard_instances (workflow, status, completed_at);
  CREATE INDEX switchyard_instances_by_workflow ON switchyard_instances (workflow, ordinal);
  CREATE INDEX switchyard_instances_by_workflow_status ON switchyard_instances (workflow, status, ordinal);
  CREATE INDEX switchyard_instances_by_creation ON switchyard_instances (created_at);
  CREATE INDEX switchyard_instances_by_completion ON switchyard_instances (completed_at) WHERE completed_at IS NOT NULL;

  CREATE TABLE switchyard_labels (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (key, value, ordinal)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE switchyard_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT,
    number INTEGER NOT NULL,
    workflow TEXT,
    attempt INTEGER,
    type TEXT NOT NULL,
    time INTEGER NOT NULL,
    data TEXT NOT NULL,
    key TEXT,
    UNIQUE (instance_id, attempt, key)
  ) STRICT;
  CREATE INDEX switchyard_events_by_instance ON switchyard_events (instance_id, seq);

  CREATE TABLE switchyard_dropped_keys (
    instance INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (instance, digest)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE switchyard_feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    instance_id TEXT,
    type TEXT NOT NULL,
    workflow TEXT,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_feed_by_agent ON switchyard_feed (agent, instance_id, seq);

  CREATE TABLE switchyard_fed (
    child TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE switchyard_forgotten (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    instance_id TEXT
  ) STRICT;

  CREATE TABLE switchyard_dropped_events (
    instance_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE switchyard_steps (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    engine_event INTEGER NOT NULL,
    type TEXT NOT NULL,
    step_name TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    time INTEGER NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (instance_id, engine_event, time, type)
  ) STRICT;
  CREATE INDEX switchyard_steps_by_instance ON switchyard_steps (instance_id, seq);

  CREATE TABLE switchyard_step_readings (
    instance_id TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    engine_event INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    copied INTEGER NOT NULL,
    dropped_seq INTEGER NOT NULL,
    dropped_time INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE switchyard_approvals (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    instance_id TEXT NOT NULL,
    workflow TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    step_name TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    summary TEXT,
    details TEXT,
    status TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    deadline INTEGER,
    decided_by TEXT,
    decided_at INTEGER,
    reason TEXT,
    metadata TEXT,
    UNIQUE (instance_id, attempt, step_name, occurrence)
  ) STRICT;
  CREATE INDEX switchyard_approvals_by_status ON switchyard_approvals (status, ordinal);

  CREATE TABLE switchyard_waits (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    key TEXT NOT NULL,
    step_name TEXT NOT NULL,
    event_type TEXT,
    deadline INTEGER,
    open INTEGER NOT NULL,
    UNIQUE (instance_id, attempt, key)
  ) STRICT;

  CREATE TABLE switchyard_answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_answers_by_time ON switchyard_answers (at);

  CREATE TABLE switchyard_revoked_tokens (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE switchyard_outbox (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    tries INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_outbox_by_instance ON switchyard_outbox (instance_id, ordinal);
  CREATE INDEX switchyard_outbox_by_due ON switchyard_outbox (due_at);

  CREATE TABLE switchyard_callbacks (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    news TEXT NOT NULL
  ) STRICT;
  `,
  AUDIT_TABLE,
  `
  ALTER TABLE switchyard_instances ADD COLUMN started_by TEXT;
  ALTER TABLE switchyard_approvals ADD COLUMN decided_via TEXT;
  ALTER TABLE switchyard_approvals ADD COLUMN shown TEXT;
  `,
  `
  ALTER TABLE switchyard_approvals ADD COLUMN terms TEXT;
  CREATE INDEX switchyard_approvals_by_workflow ON switchyard_approvals (workflow, status, ordinal);
  CREATE INDEX switchyard_approvals_by_time ON switchyard_approvals (requested_at);
  CREATE TABLE switchyard_votes (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    approval_id TEXT NOT NULL,
    principal TEXT NOT NULL,
    decision TEXT NOT NULL,
    door TEXT NOT NULL,
    reason TEXT,
    shown TEXT,
    metadata TEXT,
    at INTEGER NOT NULL,
    UNIQUE (approval_id, principal, decision)
  ) STRICT;
  `,
  `
  CREATE TABLE switchyard_links (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    approval_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    decisions TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    used_at INTEGER
  ) STRICT;
  CREATE INDEX switchyard_links_by_approval ON switchyard_links (approval_id, ordinal);
  CREATE INDEX switchyard_links_by_instance ON switchyard_links (instance_id);
  `,
  `
  CREATE TABLE switchyard_announcements (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    payload TEXT NOT NULL,
    is_matched INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_announcements_unmatched ON switchyard_announcements (ordinal) WHERE is_matched = 0;
  CREATE TABLE switchyard_addressees (
    endpoint TEXT NOT NULL,
    announcement INTEGER NOT NULL,
    PRIMARY KEY (endpoint, announcement)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX switchyard_addressees_by_announcement ON switchyard_addressees (announcement);
  `,
];

/** The gateway's own tables in an Agent: `feed_epoch` names this life of its feed, `tail_key` opens its tail. */
export const AGENT_SCHEMA: Schema = {
  migrations: MIGRATIONS,
  first: () => ({ feed_epoch: crypto.randomUUID().slice(0, 8), tail_key: crypto.randomUUID() }),
};
