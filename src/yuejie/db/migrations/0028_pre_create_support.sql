-- 0028_pre_create_support
-- Why: tickets with their response clocks, who is on duty and who advises whom, incidents and
--      maintenance. A response that was missed is known from an epoch on, as usage is, so that the
--      bill of its month can be drawn again and proved.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE ticket (
    ticket_id     TEXT PRIMARY KEY,
    customer_id   TEXT NOT NULL REFERENCES customer,
    kind          TEXT NOT NULL CHECK (kind IN ('problem', 'billing', 'question', 'review')),
    severity      TEXT NOT NULL CHECK (severity IN ('s1', 's2', 's3', 's4')),
    subject       TEXT NOT NULL,
    request_id    UUID,
    bill_id       TEXT REFERENCES bill,
    line_position INTEGER,
    state         TEXT NOT NULL CHECK (state IN ('open', 'answered', 'waiting', 'resolved',
                                                 'closed', 'reopened')),
    state_at      TIMESTAMPTZ NOT NULL,
    opened_by     TEXT NOT NULL,
    opened_at     TIMESTAMPTZ NOT NULL,
    CHECK (line_position IS NULL OR bill_id IS NOT NULL),
    CHECK (request_id IS NULL OR bill_id IS NULL)
);
CREATE INDEX ticket_of_customer ON ticket (customer_id, ticket_id DESC);
CREATE INDEX ticket_alive ON ticket (state, state_at) WHERE state <> 'closed';

CREATE TABLE ticket_transition (
    transition_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id     TEXT NOT NULL REFERENCES ticket,
    at            TIMESTAMPTZ NOT NULL,
    event         TEXT NOT NULL,
    was           TEXT NOT NULL,
    became        TEXT NOT NULL,
    by            TEXT NOT NULL,
    why           TEXT NOT NULL
);
CREATE INDEX ticket_transition_of ON ticket_transition (ticket_id, transition_id);

CREATE TABLE ticket_message (
    message_id TEXT PRIMARY KEY,
    seq        BIGINT GENERATED ALWAYS AS IDENTITY,
    ticket_id  TEXT NOT NULL REFERENCES ticket,
    side       TEXT NOT NULL CHECK (side IN ('customer', 'operator')),
    by         TEXT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    text       TEXT NOT NULL
);
CREATE INDEX ticket_message_of ON ticket_message (ticket_id, seq);

CREATE TABLE ticket_file (
    file_id    TEXT PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES ticket_message,
    name       TEXT NOT NULL,
    body       BYTEA NOT NULL
);
CREATE INDEX ticket_file_of ON ticket_file (message_id);

-- Of a ticket that waits for us one clock runs; the first of each opening counts as the response.
CREATE TABLE response_clock (
    clock_id    TEXT PRIMARY KEY,
    ticket_id   TEXT NOT NULL REFERENCES ticket,
    customer_id TEXT NOT NULL REFERENCES customer,
    is_first    BOOLEAN NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    due_at      TIMESTAMPTZ NOT NULL CHECK (due_at > started_at),
    warned_at   TIMESTAMPTZ,
    stopped_at  TIMESTAMPTZ
);
CREATE UNIQUE INDEX response_clock_runs ON response_clock (ticket_id) WHERE stopped_at IS NULL;
CREATE INDEX response_clock_due ON response_clock (due_at) WHERE stopped_at IS NULL;
CREATE INDEX response_clock_of_customer ON response_clock (customer_id, due_at);

CREATE TABLE response_miss (
    clock_id    TEXT PRIMARY KEY REFERENCES response_clock,
    customer_id TEXT NOT NULL REFERENCES customer,
    month       CHAR(7) NOT NULL,
    is_first    BOOLEAN NOT NULL,
    due_at      TIMESTAMPTZ NOT NULL,
    noted_at    TIMESTAMPTZ NOT NULL,
    epoch       INTEGER NOT NULL
);
CREATE INDEX response_miss_of_customer ON response_miss (customer_id, due_at);

CREATE TABLE adviser (
    adviser_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    person      TEXT NOT NULL,
    named_by    TEXT NOT NULL,
    named_at    TIMESTAMPTZ NOT NULL
);
CREATE INDEX adviser_of_customer ON adviser (customer_id, adviser_id DESC);

CREATE TABLE duty (
    duty_id     TEXT PRIMARY KEY,
    person      TEXT NOT NULL,
    starts_at   TIMESTAMPTZ NOT NULL,
    ends_at     TIMESTAMPTZ NOT NULL CHECK (ends_at > starts_at),
    is_override BOOLEAN NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    removed_at  TIMESTAMPTZ
);
CREATE INDEX duty_until ON duty (ends_at) WHERE removed_at IS NULL;

CREATE TABLE incident (
    incident_id  TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('incident', 'maintenance')),
    title        TEXT NOT NULL,
    title_en     TEXT NOT NULL,
    impact       TEXT NOT NULL CHECK (impact IN ('down', 'degraded', 'none')),
    models       TEXT[] NOT NULL,
    providers    TEXT[] NOT NULL,
    starts_at    TIMESTAMPTZ NOT NULL,
    ends_at      TIMESTAMPTZ,
    state        TEXT NOT NULL CHECK (state IN ('investigating', 'identified', 'monitoring',
                                                'resolved', 'planned', 'under_way', 'done',
                                                'cancelled')),
    announced_by TEXT NOT NULL,
    announced_at TIMESTAMPTZ NOT NULL,
    CHECK (kind = 'incident' OR ends_at IS NOT NULL)
);
CREATE INDEX incident_by_start ON incident (starts_at DESC);

CREATE TABLE incident_update (
    update_id   TEXT PRIMARY KEY,
    seq         BIGINT GENERATED ALWAYS AS IDENTITY,
    incident_id TEXT NOT NULL REFERENCES incident,
    at          TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    state       TEXT NOT NULL,
    text        TEXT NOT NULL,
    text_en     TEXT NOT NULL
);
CREATE INDEX incident_update_of ON incident_update (incident_id, seq);

GRANT SELECT, INSERT ON ticket, ticket_transition, ticket_message, ticket_file, response_clock,
    response_miss, adviser, duty, incident, incident_update TO yuejie_app;
GRANT UPDATE (state, state_at) ON ticket TO yuejie_app;
GRANT UPDATE (warned_at, stopped_at) ON response_clock TO yuejie_app;
GRANT UPDATE (removed_at) ON duty TO yuejie_app;
GRANT UPDATE (state, starts_at, ends_at) ON incident TO yuejie_app;
