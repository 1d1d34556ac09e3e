-- 0027_pre_create_tokens_and_sso
-- Why: members make tokens with fewer powers than their own; organisations log in at their own
--      identity provider (OIDC); a deed says by which token it was done.
-- Lock: ACCESS EXCLUSIVE on deed, metadata only, under 1 s; its index is built under SHARE, which
--      lets readers pass: a second for a million deeds.

SET LOCAL lock_timeout = '5s';

CREATE TABLE member_token (
    token_id   TEXT PRIMARY KEY,
    member_id  TEXT NOT NULL REFERENCES member,
    name       TEXT NOT NULL,
    digest     BYTEA NOT NULL UNIQUE,
    hint       TEXT NOT NULL,
    scopes     TEXT[] NOT NULL CHECK (cardinality(scopes) > 0),
    made_at    TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at    TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX member_token_of_member ON member_token (member_id);

ALTER TABLE deed ADD COLUMN via TEXT NOT NULL DEFAULT '';
CREATE INDEX deed_by ON deed (by, deed_id);
CREATE INDEX deed_about ON deed (noun, name, deed_id);

-- customer_id NULL is the operator's own house; of each there is at most one in use.
CREATE TABLE sso_provider (
    provider_id TEXT PRIMARY KEY,
    customer_id TEXT REFERENCES customer,
    label       TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    sealed      BYTEA NOT NULL,
    domains     TEXT[] NOT NULL CHECK (cardinality(domains) > 0),
    only_sso    BOOLEAN NOT NULL,
    groups      JSONB NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ
);
CREATE UNIQUE INDEX sso_provider_of ON sso_provider ((coalesce(customer_id, '')))
    WHERE ended_at IS NULL;

-- Who of the provider's people a member is: by mail until the first login, by subject ever after.
CREATE TABLE sso_person (
    member_id   TEXT PRIMARY KEY REFERENCES member,
    email       TEXT NOT NULL CHECK (email = lower(email)),
    provider_id TEXT REFERENCES sso_provider,
    subject     TEXT,
    bound_at    TIMESTAMPTZ,
    CHECK ((subject IS NULL) = (provider_id IS NULL) AND (subject IS NULL) = (bound_at IS NULL))
);
CREATE INDEX sso_person_by_email ON sso_person (email);
CREATE INDEX sso_person_by_subject ON sso_person (provider_id, subject);

CREATE TABLE sso_attempt (
    digest      BYTEA PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES sso_provider,
    browser     BYTEA NOT NULL,
    nonce       TEXT NOT NULL,
    verifier    BYTEA NOT NULL,
    back        TEXT NOT NULL,
    address     TEXT NOT NULL,
    begun_at    TIMESTAMPTZ NOT NULL,
    used_at     TIMESTAMPTZ
);
CREATE INDEX sso_attempt_begun ON sso_attempt (begun_at);

GRANT SELECT, INSERT ON member_token, sso_provider, sso_person, sso_attempt TO yuejie_app;
GRANT UPDATE (used_at, revoked_at) ON member_token TO yuejie_app;
GRANT UPDATE (ended_at) ON sso_provider TO yuejie_app;
GRANT UPDATE (email, provider_id, subject, bound_at) ON sso_person TO yuejie_app;
GRANT UPDATE (used_at), DELETE ON sso_attempt TO yuejie_app;
-- A customer's administrator gives its members other roles.
GRANT UPDATE (role) ON member TO yuejie_app;
