-- What deployers put here, and what is remembered of runners. Rows that name one another are kept in step by the
-- transactions that write them.

-- Deployed versions of apps; never changed once written.
CREATE TABLE revisions (
    id TEXT NOT NULL PRIMARY KEY,                   -- given by the server
    account TEXT NOT NULL,                          -- who deployed it
    app TEXT NOT NULL,                              -- owner/alias: what it was deployed as
    environment TEXT NOT NULL,                      -- of its account; main is not stored as one
    created_at INTEGER NOT NULL,                    -- when it was deployed
    definition TEXT NOT NULL                        -- JSON: everything that a runner of it needs
) STRICT;

-- Lists of one account, newest first.
CREATE INDEX revisions_by_account ON revisions (account, created_at);

-- Names under which revisions are served.
CREATE TABLE aliases (
    app TEXT NOT NULL PRIMARY KEY,                  -- owner/alias
    account TEXT NOT NULL,                          -- whose it is
    environment TEXT NOT NULL,                      -- of its account; main is not stored as one
    revision TEXT NOT NULL,                         -- what it points at: a row of revisions
    auth_mode INTEGER NOT NULL CHECK (auth_mode BETWEEN 0 AND 2), -- 0 private, 1 public, 2 shared
    scaling TEXT NOT NULL,                          -- JSON: the scaling in force, which outlives revisions
    updated_at INTEGER NOT NULL                     -- when any of this changed
) STRICT, WITHOUT ROWID;

-- Whether a revision is in use.
CREATE INDEX aliases_by_revision ON aliases (revision);

-- Sets of apps and secrets kept apart. Every account has main without a row.
CREATE TABLE environments (
    account TEXT NOT NULL,                          -- whose it is
    name TEXT NOT NULL CHECK (name <> 'main'),      -- as its maker wrote it
    description TEXT,                               -- for people
    created_at INTEGER NOT NULL,                    -- when it was made
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- Secrets of apps; the values are encrypted before they come here.
CREATE TABLE secrets (
    account TEXT NOT NULL,                          -- whose it is
    environment TEXT NOT NULL,                      -- of its account; main is not stored as one
    name TEXT NOT NULL,                             -- of the variable
    sealed BLOB NOT NULL,                           -- the value, encrypted
    default_exposed INTEGER NOT NULL CHECK (default_exposed IN (0, 1)), -- 0: only apps that name it get it
    created_at INTEGER NOT NULL,                    -- when this value was set
    PRIMARY KEY (account, environment, name)
) STRICT, WITHOUT ROWID;

-- Runners, living and ended.
CREATE TABLE runners (
    runner TEXT NOT NULL PRIMARY KEY,               -- its id
    account TEXT NOT NULL,                          -- whose app it serves
    app TEXT NOT NULL,                              -- owner/alias
    revision TEXT,                                  -- what it runs; none for an app that was not deployed
    machine_type TEXT NOT NULL,                     -- on what
    created_at INTEGER NOT NULL,                    -- when it was decided to have it
    started_at INTEGER,                             -- when its process began
    ready_at INTEGER,                               -- when it first could serve
    ended_at INTEGER,                               -- when it was gone; none while it lives
    reason TEXT,                                    -- why it ended
    timeline TEXT NOT NULL                          -- JSON: the stages of its life and their times
) STRICT, WITHOUT ROWID;

-- Runners that ended lately, and what the sweep takes next.
CREATE INDEX runners_by_end ON runners (ended_at);

-- Lines of runners. Within a runner the numbers have no gaps (lines go from the front only), and times rise with them.
CREATE TABLE runner_logs (
    runner TEXT NOT NULL,                           -- who wrote it
    seq INTEGER NOT NULL CHECK (seq > 0),           -- its place among the lines of its runner
    app TEXT NOT NULL,                              -- owner/alias
    at INTEGER NOT NULL,                            -- when; no two lines of a runner share it
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 5), -- place in the list of levels
    source INTEGER NOT NULL CHECK (source BETWEEN 0 AND 2), -- 0 builder, 1 bridge, 2 user
    message TEXT NOT NULL,                          -- one line
    request BLOB CHECK (length(request) = 16),      -- for which it was written
    endpoint TEXT,                                  -- in which it was written
    PRIMARY KEY (runner, seq)
) STRICT, WITHOUT ROWID;

-- What the sweep takes next.
CREATE INDEX runner_logs_by_time ON runner_logs (at);
