-- Times are microseconds since the Unix epoch. Request ids are the 16 bytes of a UUIDv7. Small words are numbers; the
-- mapping stands in columns.rs. What is small lies in tables without row ids; bodies lie apart, by order of arrival, so
-- that changing a request's state never rewrites them.

-- Requests that have not ended: the claim path, kept short. A row leaves for closed_requests when its request ends.
CREATE TABLE open_requests (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7: the order of ids is the order of arrival, nearly
    arrival INTEGER NOT NULL,                       -- cursor of its first event: the order of arrival
    account TEXT NOT NULL,                          -- who asks
    app TEXT NOT NULL,                              -- owner/alias
    path TEXT NOT NULL,                             -- inside the app: empty, or begins with a slash
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2), -- 0 high, 1 normal, 2 low
    state INTEGER NOT NULL CHECK (state IN (0, 1)), -- 0 waits, 1 runs
    attempts INTEGER NOT NULL CHECK (attempts >= state), -- begun so far
    crashes INTEGER NOT NULL DEFAULT 0 CHECK (crashes BETWEEN 0 AND attempts), -- attempts during which the runner died
    gateway_request_id BLOB NOT NULL CHECK (length(gateway_request_id) = 16),  -- id of the last attempt
    runner TEXT CHECK ((runner IS NOT NULL) = state),                          -- who works on it
    submitted_at INTEGER NOT NULL, -- when it was accepted
    started_at INTEGER CHECK ((started_at IS NOT NULL) = state),               -- start of the attempt under way
    start_deadline INTEGER,                         -- it must start before
    hint TEXT,                                      -- preferred runner
    retry TEXT NOT NULL,                            -- JSON: its retry budget
    webhook TEXT,                                   -- where its result is to be sent
    keep_payloads INTEGER NOT NULL CHECK (keep_payloads IN (0, 1)), -- 0: bodies go as soon as the caller has the result
    key_expires_at INTEGER                          -- end of its idempotency key
) STRICT, WITHOUT ROWID;

-- Requests that have ended, and direct calls.
CREATE TABLE closed_requests (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7: the order of ids is the order of arrival, nearly
    arrival INTEGER NOT NULL,                       -- as in open_requests; of a direct call, its one event
    account TEXT NOT NULL, -- who asks
    app TEXT NOT NULL, -- owner/alias
    path TEXT NOT NULL, -- inside the app: empty, or begins with a slash
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2), -- 0 high, 1 normal, 2 low
    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 3), -- 0 succeeded, 1 failed, 2 cancelled, 3 expired
    attempts INTEGER NOT NULL, -- begun so far
    gateway_request_id BLOB NOT NULL CHECK (length(gateway_request_id) = 16), -- id of the last attempt
    runner TEXT,                                    -- of the last attempt; none if it ended while it waited
    submitted_at INTEGER NOT NULL, -- when it was accepted
    started_at INTEGER, -- start of the last attempt; none if it ended while it waited
    finished_at INTEGER NOT NULL, -- when it ended
    status_code INTEGER,                            -- of the stored answer
    error TEXT,                                     -- for people
    error_type TEXT,                                -- stable name of a platform failure
    expires_at INTEGER,                             -- end of the stored result; none for a direct call
    direct INTEGER NOT NULL CHECK (direct IN (0, 1)), -- 1: it did not pass the queue
    keep_payloads INTEGER NOT NULL CHECK (keep_payloads IN (0, 1)), -- 0: bodies go as soon as the caller has the result
    key_expires_at INTEGER, -- end of its idempotency key
    sweep_at INTEGER NOT NULL                       -- when the sweep looks at it next
) STRICT, WITHOUT ROWID;

-- Lists of one account, newest first.
CREATE INDEX closed_requests_by_account ON closed_requests (account, id);
-- Lists of one app, and which apps have requests.
CREATE INDEX closed_requests_by_app ON closed_requests (app, id);
-- What the sweep takes next.
CREATE INDEX closed_requests_by_sweep ON closed_requests (sweep_at);

-- What an attempt sends to the runner.
CREATE TABLE payloads (
    arrival INTEGER PRIMARY KEY,                    -- of its request
    method TEXT NOT NULL, -- of HTTP
    headers TEXT NOT NULL,                          -- JSON: pairs of name and value
    body BLOB NOT NULL -- as it came
) STRICT;

-- What the result route replays.
CREATE TABLE responses (
    arrival INTEGER PRIMARY KEY,                    -- of its request
    status INTEGER NOT NULL, -- of HTTP
    headers TEXT NOT NULL,                          -- JSON: pairs of name and value
    body BLOB NOT NULL, -- as it came
    forgotten INTEGER NOT NULL DEFAULT 0 CHECK (forgotten IN (0, 1)) -- 1: kept only for a webhook under way
) STRICT;

-- Idempotency keys: the same one names the same request until it expires.
CREATE TABLE idempotency_keys (
    account TEXT NOT NULL, -- who asks
    key TEXT NOT NULL,                              -- as the caller wrote it
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32), -- digest of what it was used for
    request BLOB NOT NULL CHECK (length(request) = 16), -- which request
    expires_at INTEGER NOT NULL, -- from then on it is as if never used
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

-- What the sweep takes next.
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- The ordered feed. Cursors are given by the one writer, grow in commit order, and are never given twice: the newest
-- event is never swept, so that the next start knows where to go on.
CREATE TABLE events (
    cursor INTEGER PRIMARY KEY, -- its place in the feed
    request BLOB NOT NULL CHECK (length(request) = 16), -- which request
    account TEXT NOT NULL, -- who asks
    app TEXT NOT NULL, -- owner/alias
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3), -- 0 submitted, 1 started, 2 requeued, 3 finished
    attempt INTEGER,                                -- which it is about
    outcome INTEGER CHECK ((outcome IS NOT NULL) = (kind = 3)), -- of a finished one; as in closed_requests
    at INTEGER NOT NULL -- when it happened
) STRICT;

-- The feed of one account.
CREATE INDEX events_by_account ON events (account, cursor);

-- Lines that models wrote while they worked on a request.
CREATE TABLE logs (
    request BLOB NOT NULL CHECK (length(request) = 16), -- which request
    cursor INTEGER NOT NULL,                        -- from 1 within the request
    at INTEGER NOT NULL, -- when it happened
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 5), -- place in the list of levels
    message TEXT NOT NULL, -- one line
    PRIMARY KEY (request, cursor)
) STRICT, WITHOUT ROWID;

-- Webhooks that still have to reach their receivers.
CREATE TABLE deliveries (
    request BLOB NOT NULL PRIMARY KEY CHECK (length(request) = 16), -- which request
    url TEXT NOT NULL, -- of the receiver
    tries INTEGER NOT NULL DEFAULT 0, -- deliveries that came to nothing
    next_at INTEGER NOT NULL,                       -- not before
    give_up_at INTEGER NOT NULL, -- the last try is before
    last_error TEXT                                 -- why the last try came to nothing
) STRICT, WITHOUT ROWID;

-- What is due.
CREATE INDEX deliveries_by_time ON deliveries (next_at);

-- Keys of the API.
CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,                   -- the public half
    account TEXT NOT NULL, -- who asks
    alias TEXT NOT NULL,                            -- what its owner calls it
    scope INTEGER NOT NULL CHECK (scope IN (0, 1)), -- 0 API, 1 admin
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32), -- SHA-256
    created_at INTEGER NOT NULL, -- when it was made
    revoked_at INTEGER -- since then it opens nothing
) STRICT, WITHOUT ROWID;

-- Stored files; their bytes lie in the blob store.
CREATE TABLE files (
    id TEXT NOT NULL PRIMARY KEY,                   -- unguessable
    name TEXT NOT NULL, -- what its owner calls it
    account TEXT NOT NULL, -- who asks
    content_type TEXT NOT NULL, -- MIME type
    size INTEGER NOT NULL CHECK (size >= 0),        -- bytes
    digest TEXT NOT NULL,                           -- hexadecimal SHA-256
    acl TEXT NOT NULL,                              -- JSON: who may read it
    created_at INTEGER NOT NULL, -- when it was made
    expires_at INTEGER -- when it goes; none: never
) STRICT, WITHOUT ROWID;

-- What the sweep takes next.
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

-- Files that have an address but not all their bytes yet.
CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY, -- unguessable
    file TEXT NOT NULL,                             -- id of the file that it becomes
    name TEXT NOT NULL, -- what its owner calls it
    account TEXT NOT NULL, -- who asks
    content_type TEXT NOT NULL, -- MIME type
    acl TEXT NOT NULL,                              -- JSON, for the file
    lifetime INTEGER,                               -- microseconds; of the file, once it is whole
    created_at INTEGER NOT NULL, -- when it was made
    expires_at INTEGER NOT NULL                     -- when it is swept if unfinished
) STRICT, WITHOUT ROWID;

-- What the sweep takes next.
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
