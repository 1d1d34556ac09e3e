-- 0017_pre_create_protections
-- Why: runaway protection: by policy, a finding throttles or pauses a key, a project or a customer,
--      or pauses it until somebody approves; each act once per policy and finding, all reversible.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE protection_policy (
    policy_id   TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    project_id  TEXT REFERENCES project,
    key_id      TEXT REFERENCES api_key,
    action      TEXT NOT NULL CHECK (action IN ('throttle', 'pause', 'approval')),
    per_minute  INTEGER CHECK (per_minute > 0),
    until       TEXT NOT NULL CHECK (until IN ('finding', 'person')),
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ,
    CHECK ((action = 'throttle') = (per_minute IS NOT NULL)),
    CHECK (action <> 'approval' OR until = 'person')
);
CREATE INDEX protection_policy_of_customer ON protection_policy (customer_id)
    WHERE ended_at IS NULL;

CREATE TABLE protection (
    protection_id TEXT PRIMARY KEY,
    policy_id     TEXT NOT NULL REFERENCES protection_policy,
    finding_id    TEXT NOT NULL REFERENCES anomaly_finding,
    customer_id   TEXT NOT NULL REFERENCES customer,
    allowance_id  TEXT NOT NULL REFERENCES allowance (allowance_id),
    action        TEXT NOT NULL CHECK (action IN ('throttle', 'pause', 'approval')),
    state         TEXT NOT NULL CHECK (state IN ('acting', 'released')),
    acted_at      TIMESTAMPTZ NOT NULL,
    UNIQUE (policy_id, finding_id)
);
CREATE INDEX protection_acting ON protection (customer_id) WHERE state = 'acting';

CREATE TABLE protection_transition (
    transition_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    protection_id TEXT NOT NULL REFERENCES protection,
    at            TIMESTAMPTZ NOT NULL,
    event         TEXT NOT NULL,
    was           TEXT NOT NULL,
    became        TEXT NOT NULL,
    by            TEXT NOT NULL,
    why           TEXT NOT NULL
);
CREATE INDEX protection_transition_of ON protection_transition (protection_id, at);

GRANT SELECT, INSERT ON protection_policy, protection, protection_transition TO yuejie_app;
GRANT UPDATE (ended_at) ON protection_policy TO yuejie_app;
GRANT UPDATE (state) ON protection TO yuejie_app;
