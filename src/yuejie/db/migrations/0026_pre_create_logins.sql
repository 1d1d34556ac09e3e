-- 0026_pre_create_logins
-- Why: people log in to the console: password and one-time code, sessions, invitations; wrong
--      guesses are counted.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE login (
    member_id         TEXT PRIMARY KEY REFERENCES member,
    password          TEXT NOT NULL,
    password_at       TIMESTAMPTZ NOT NULL,
    seed              BYTEA,
    seed_confirmed_at TIMESTAMPTZ,
    last_step         BIGINT NOT NULL,
    CHECK (seed_confirmed_at IS NULL OR seed IS NOT NULL)
);

CREATE TABLE login_failure (
    name    TEXT NOT NULL,
    address TEXT NOT NULL,
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX login_failure_of_name ON login_failure (name, at);
CREATE INDEX login_failure_from_address ON login_failure (address, at);

CREATE TABLE session (
    session_id TEXT PRIMARY KEY,
    digest     BYTEA NOT NULL UNIQUE,
    member_id  TEXT NOT NULL REFERENCES member,
    opened_at  TIMESTAMPTZ NOT NULL,
    seen_at    TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL
);
CREATE INDEX session_of_member ON session (member_id) WHERE ended_at IS NULL;

CREATE TABLE invitation (
    digest     BYTEA PRIMARY KEY,
    member_id  TEXT NOT NULL REFERENCES member,
    made_by    TEXT NOT NULL,
    made_at    TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ
);
CREATE INDEX invitation_of_member ON invitation (member_id) WHERE ended_at IS NULL;

GRANT SELECT, INSERT ON login, login_failure, session, invitation TO yuejie_app;
GRANT UPDATE ON login TO yuejie_app;
GRANT UPDATE (seen_at, ended_at) ON session TO yuejie_app;
GRANT UPDATE (ended_at) ON invitation TO yuejie_app;
