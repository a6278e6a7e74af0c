"""The tables, as ordered migrations; each and its record are one transaction.

tasks and runs hold the present, events the whole story; both change in the same transaction.
turns is the transcript, summaries what stands for its first turns, setup_approvals say which
scripts may run as root, patches is content-addressed, projections say how far each view of the
story (Slack, files) has come; pulls and cursors what was read of the forge, people who is who
there, repositories those that the forge shows us; asked is what forms and commands asked for and
is not begun yet; spending is what models took, given what people gave along with their words;
defaults are what channels and people settled on.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("threadsmith")


@migrations()
def m001_story(db: Database) -> None:
    _execute(db, _STORY)


@migrations()
def m002_setup(db: Database) -> None:
    _execute(db, _SETUP)


@migrations()
def m003_pulls(db: Database) -> None:
    _execute(db, _PULLS)


@migrations()
def m004_spending(db: Database) -> None:
    _execute(db, _SPENDING)


@migrations()
def m005_edits(db: Database) -> None:
    _execute(db, _EDITS)


@migrations()
def m006_given(db: Database) -> None:
    _execute(db, _GIVEN)


@migrations()
def m007_summaries(db: Database) -> None:
    _execute(db, _SUMMARIES)


@migrations()
def m008_seats(db: Database) -> None:
    _execute(db, _SEATS)


@migrations()
def m009_defaults(db: Database) -> None:
    _execute(db, _DEFAULTS)


@migrations()
def m010_requests(db: Database) -> None:
    _execute(db, _REQUESTS)


@migrations()
def m011_repositories(db: Database) -> None:
    _execute(db, _REPOSITORIES)


@migrations()
def m012_attempts(db: Database) -> None:
    _execute(db, _ATTEMPTS)


@migrations()
def m013_asked(db: Database) -> None:
    _execute(db, _ASKED)


def _execute(db: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            db.execute(statement)


_STORY = """
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
) STRICT;
CREATE INDEX tasks_status ON tasks (status);
CREATE INDEX tasks_created ON tasks (created_at);
CREATE UNIQUE INDEX tasks_thread ON tasks (team, channel, thread_ts);
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
    owner TEXT,
    UNIQUE (task_id, number)
) STRICT;
CREATE INDEX runs_open ON runs (created_at) WHERE finished_at IS NULL;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (task_id, seq)
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
CREATE INDEX messages_task ON messages (task_id);
CREATE TABLE turns (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    request_sha256 TEXT NOT NULL,
    turn TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT;
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
) STRICT;
CREATE INDEX approvals_task ON approvals (task_id);
CREATE TABLE patches (
    sha256 TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE projections (
    name TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    seq INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (name, task_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at)
"""

_SETUP = """
ALTER TABLE tasks ADD COLUMN image TEXT;
CREATE TABLE scripts (
    sha256 TEXT PRIMARY KEY,
    content TEXT NOT NULL
) STRICT;
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
CREATE INDEX setup_approvals_scripts ON setup_approvals (repository, sha256, state);
CREATE INDEX setup_approvals_task ON setup_approvals (task_id)
"""

_PULLS = """
ALTER TABLE tasks ADD COLUMN issue TEXT;
ALTER TABLE runs ADD COLUMN update_onto TEXT;
ALTER TABLE runs ADD COLUMN continues TEXT;
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
CREATE INDEX pulls_task ON pulls (task_id);
CREATE INDEX pulls_open ON pulls (state) WHERE state = 'open';
CREATE TABLE people (
    user_id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

_SPENDING = """
CREATE TABLE spending (
    run_id TEXT NOT NULL REFERENCES runs (id),
    task_id TEXT NOT NULL REFERENCES tasks (id),
    person TEXT NOT NULL,
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    cost_usd REAL NOT NULL
) STRICT;
CREATE INDEX spending_task ON spending (task_id);
CREATE INDEX spending_day ON spending (day)
"""

_EDITS = """
ALTER TABLE approvals ADD COLUMN expires_at REAL;
ALTER TABLE approvals ADD COLUMN edits TEXT;
ALTER TABLE approvals ADD COLUMN revision INTEGER NOT NULL DEFAULT 0
"""

_SEATS = """
ALTER TABLE tasks ADD COLUMN agent TEXT NOT NULL DEFAULT ''
"""

_GIVEN = """
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
CREATE INDEX given_task ON given (task_id)
"""

_SUMMARIES = """
CREATE TABLE summaries (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    until INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (task_id, until)
) STRICT, WITHOUT ROWID
"""

_DEFAULTS = """
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
"""

_REQUESTS = """
ALTER TABLE tasks ADD COLUMN draft INTEGER
"""

_REPOSITORIES = """
CREATE TABLE repositories (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    description TEXT NOT NULL,
    is_private INTEGER NOT NULL,
    pushed_at REAL NOT NULL,
    seen_at REAL NOT NULL
) STRICT, WITHOUT ROWID
"""

# A task may hold several conversations: the same number of turn once for each of its attempts.
_ATTEMPTS = """
ALTER TABLE tasks ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN attempt INTEGER;
ALTER TABLE runs ADD COLUMN is_aside INTEGER NOT NULL DEFAULT 0;
CREATE TABLE new_turns (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    request_sha256 TEXT NOT NULL,
    turn TEXT NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT;
INSERT INTO new_turns SELECT * FROM turns ORDER BY rowid;
DROP TABLE turns;
ALTER TABLE new_turns RENAME TO turns;
CREATE INDEX turns_task ON turns (task_id, number);
CREATE TABLE new_summaries (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    until INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (task_id, run_id, until)
) STRICT, WITHOUT ROWID;
INSERT INTO new_summaries SELECT * FROM summaries;
DROP TABLE summaries;
ALTER TABLE new_summaries RENAME TO summaries
"""

_ASKED = """
CREATE TABLE asked (
    key TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    at REAL NOT NULL,
    what TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""
