-- 0021_pre_create_advice
-- Why: advice on what a customer could pay less for, people's word on it, and what came of it.
-- Lock: creates only.
--
-- Of an advice only its state moves; every figure, step and measure is a row of its own, and the
-- newest counts. Picos are NUMERIC(38,0): they outgrow 64 bits.

SET LOCAL lock_timeout = '5s';

-- What a customer says advice may assume of a task type, or may look at in a project's requests.
-- A salt belongs to one customer's prefix hashes and goes nowhere but to its gateways.
CREATE TABLE advice_word (
    word_id     TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    what        TEXT NOT NULL CHECK (what IN ('cheaper', 'waits', 'prefix')),
    name        TEXT NOT NULL,
    salt        BYTEA NOT NULL DEFAULT ''::bytea,
    since       TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    ended_at    TIMESTAMPTZ,
    CHECK ((what = 'prefix') = (length(salt) = 32))
);
CREATE UNIQUE INDEX advice_word_held ON advice_word (customer_id, what, name)
    WHERE ended_at IS NULL;

CREATE TABLE advice (
    advice_id   TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    kind        TEXT NOT NULL,
    slice       TEXT NOT NULL,
    found_at    TIMESTAMPTZ NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'accepted', 'tracked', 'realised',
                                               'dismissed', 'lapsed', 'ended'))
);
CREATE UNIQUE INDEX advice_held ON advice (customer_id, kind, slice)
    WHERE state IN ('proposed', 'accepted', 'tracked', 'realised');
CREATE INDEX advice_customer ON advice (customer_id, advice_id);

CREATE TABLE advice_figure (
    figure_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    advice_id   TEXT NOT NULL REFERENCES advice,
    month       CHAR(7) NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    saving_pico NUMERIC(38,0) NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    saving_fen  BIGINT NOT NULL,
    bill_currency TEXT NOT NULL CHECK (bill_currency IN ('CNY', 'USD')),
    body        JSONB NOT NULL
);
CREATE INDEX advice_figure_advice ON advice_figure (advice_id, figure_id);

CREATE TABLE advice_transition (
    transition_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    advice_id TEXT NOT NULL REFERENCES advice,
    at        TIMESTAMPTZ NOT NULL,
    event     TEXT NOT NULL,
    was       TEXT NOT NULL,
    became    TEXT NOT NULL,
    by        TEXT NOT NULL,
    why       TEXT NOT NULL
);
CREATE INDEX advice_transition_advice ON advice_transition (advice_id, transition_id);

CREATE TABLE advice_measure (
    measure_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    advice_id   TEXT NOT NULL REFERENCES advice,
    month       CHAR(7) NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    whole       BOOLEAN NOT NULL,
    calls       BIGINT NOT NULL,
    actual_pico NUMERIC(38,0) NOT NULL,
    before_pico NUMERIC(38,0) NOT NULL,
    low_pico    NUMERIC(38,0) NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    low_fen     BIGINT NOT NULL,
    high_fen    BIGINT NOT NULL,
    bill_currency TEXT NOT NULL CHECK (bill_currency IN ('CNY', 'USD')),
    said        TEXT NOT NULL
);
CREATE INDEX advice_measure_advice ON advice_measure (advice_id, month, measure_id);

-- What a round over a customer's month came to: what all advice saves together, and what nothing
-- can be said of. `mark` says what it was computed from; the same mark needs no second round.
CREATE TABLE advice_round (
    round_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    month       CHAR(7) NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    mark        TEXT NOT NULL,
    joint_fen   BIGINT NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    body        JSONB NOT NULL
);
CREATE INDEX advice_round_customer ON advice_round (customer_id, round_id);

-- The gateways learn at once who asked for prefix hashes, and who no longer does.
CREATE TRIGGER advice_word_snapshot AFTER INSERT OR UPDATE ON advice_word
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

GRANT SELECT, INSERT ON advice, advice_figure, advice_transition, advice_measure, advice_round,
                        advice_word TO yuejie_app;
GRANT UPDATE (state) ON advice TO yuejie_app;
GRANT UPDATE (ended_at) ON advice_word TO yuejie_app;
