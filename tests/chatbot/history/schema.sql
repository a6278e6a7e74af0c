CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    run_id TEXT NOT NULL REFERENCES runs (id),
    patch_sha256 TEXT NOT NULL REFERENCES patches (sha256),
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    settled_at REAL,
    settled_by_id TEXT,
    settled_by_name TEXT
, expires_at REAL, edits TEXT, revision INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE asked (
    key TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    at REAL NOT NULL,
    what TEXT NOT NULL
) STRICT, WITHOUT ROWID
;
CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID
;
CREATE TABLE defaults (
    team TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    repository TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    by_id TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (team, kind, id)
) STRICT, WITHOUT ROWID
;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (task_id, seq)
) STRICT;
CREATE TABLE given (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    message_id INTEGER REFERENCES messages (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    author TEXT NOT NULL,
    media_type TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    data BLOB
) STRICT;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    kind TEXT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL,
    key TEXT UNIQUE,
    run_id TEXT REFERENCES runs (id),
    delivered_at REAL
) STRICT;
CREATE TABLE patches (
    sha256 TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE people (
    user_id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE projections (
    name TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    seq INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (name, task_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE pulls (
    repository TEXT NOT NULL,
    number INTEGER NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    state TEXT NOT NULL,
    autofix INTEGER,
    rounds INTEGER NOT NULL DEFAULT 0,
    seen TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE repositories (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    description TEXT NOT NULL,
    is_private INTEGER NOT NULL,
    pushed_at REAL NOT NULL,
    seen_at REAL NOT NULL
) STRICT, WITHOUT ROWID
;
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    request TEXT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    base_commit TEXT,
    branch TEXT,
    start_patch_sha256 TEXT REFERENCES patches (sha256),
    patch_sha256 TEXT REFERENCES patches (sha256),
    outcome TEXT,
    spec TEXT,
    handle TEXT,
    owner TEXT, update_onto TEXT, continues TEXT, attempt INTEGER, is_aside INTEGER NOT NULL DEFAULT 0,
    UNIQUE (task_id, number)
) STRICT;
CREATE TABLE scripts (
    sha256 TEXT PRIMARY KEY,
    content TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE setup_approvals (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    run_id TEXT NOT NULL REFERENCES runs (id),
    repository TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES scripts (sha256),
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    settled_at REAL,
    settled_by_id TEXT,
    settled_by_name TEXT
) STRICT;
CREATE TABLE spending (
    run_id TEXT NOT NULL REFERENCES runs (id),
    task_id TEXT NOT NULL REFERENCES tasks (id),
    person TEXT NOT NULL,
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    cost_usd REAL NOT NULL
) STRICT;
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE "summaries" (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    until INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (task_id, run_id, until)
) STRICT, WITHOUT ROWID;
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    status TEXT NOT NULL,
    deadline_at REAL,
    origin TEXT NOT NULL,
    mode TEXT NOT NULL,
    model TEXT NOT NULL,
    request TEXT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    source TEXT NOT NULL,
    share_token TEXT NOT NULL,
    team TEXT,
    channel TEXT,
    thread_ts TEXT,
    message_ts TEXT,
    branch TEXT,
    base_commit TEXT,
    title TEXT NOT NULL DEFAULT '',
    summary TEXT NOT NULL DEFAULT '',
    outcome TEXT,
    patch_sha256 TEXT REFERENCES patches (sha256),
    published_sha256 TEXT REFERENCES patches (sha256),
    pull_request TEXT,
    last_seq INTEGER NOT NULL DEFAULT 0,
    key TEXT UNIQUE
, image TEXT, issue TEXT, agent TEXT NOT NULL DEFAULT '', draft INTEGER, attempts INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE "turns" (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    request_sha256 TEXT NOT NULL,
    turn TEXT NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT;
CREATE INDEX approvals_task ON approvals (task_id);
CREATE INDEX given_task ON given (task_id)
;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX messages_task ON messages (task_id);
CREATE INDEX pulls_open ON pulls (state) WHERE state = 'open';
CREATE INDEX pulls_task ON pulls (task_id);
CREATE INDEX runs_open ON runs (created_at) WHERE finished_at IS NULL;
CREATE INDEX seen_at ON seen (at)
;
CREATE INDEX setup_approvals_scripts ON setup_approvals (repository, sha256, state);
CREATE INDEX setup_approvals_task ON setup_approvals (task_id)
;
CREATE INDEX spending_day ON spending (day)
;
CREATE INDEX spending_task ON spending (task_id);
CREATE INDEX tasks_created ON tasks (created_at);
CREATE INDEX tasks_status ON tasks (status);
CREATE UNIQUE INDEX tasks_thread ON tasks (team, channel, thread_ts);
CREATE INDEX turns_task ON turns (task_id, number);
