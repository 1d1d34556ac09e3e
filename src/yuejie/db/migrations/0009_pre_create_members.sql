-- 0009_pre_create_members
-- Why: deeds that need two people need two names (part 2); sign-on and roles come with part 5.
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- Without a customer: one of the operator's people. The token is kept as an HMAC.
CREATE TABLE member (
    member_id   TEXT PRIMARY KEY,
    customer_id TEXT REFERENCES customer,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN
                ('admin', 'finance', 'sales', 'support', 'developer', 'auditor')),
    digest      BYTEA NOT NULL UNIQUE,
    created_at  TIMESTAMPTZ NOT NULL,
    revoked_at  TIMESTAMPTZ
);
-- A name is one person's; after it is revoked another may have it.
CREATE UNIQUE INDEX member_name ON member (name) WHERE revoked_at IS NULL;
CREATE INDEX member_customer ON member (customer_id);

GRANT SELECT, INSERT ON member TO yuejie_app;
GRANT UPDATE (revoked_at) ON member TO yuejie_app;
