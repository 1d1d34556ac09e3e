-- 0005_pre_create_notices
-- Why: whoever must know is told at least once, with the same id each time (decisions 0060, 0061).
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- Who is told. customer_id NULL is the operator's own contact.
CREATE TABLE notice_contact (
    contact_id  TEXT PRIMARY KEY,
    customer_id TEXT REFERENCES customer,
    name        TEXT NOT NULL CHECK (name <> ''),
    language    TEXT NOT NULL CHECK (language IN ('zh-CN', 'en')),
    zone        TEXT NOT NULL,
    quiet_from  TIME,
    quiet_until TIME,
    created_at  TIMESTAMPTZ NOT NULL,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);
CREATE INDEX notice_contact_customer ON notice_contact (customer_id);

-- `sealed` holds address and secrets, AES-256-GCM bound to channel_id; `hint` is what people see.
CREATE TABLE notice_channel (
    channel_id  TEXT PRIMARY KEY,
    contact_id  TEXT NOT NULL REFERENCES notice_contact,
    customer_id TEXT REFERENCES customer,
    kind        TEXT NOT NULL CHECK (kind IN ('email', 'wecom', 'dingtalk', 'feishu', 'aliyun_sms',
                                              'tencent_sms', 'webhook')),
    kinds       TEXT[] NOT NULL DEFAULT '{}',
    hint        TEXT NOT NULL,
    sealed      BYTEA NOT NULL,
    bucket      TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX notice_channel_contact ON notice_channel (contact_id);
CREATE INDEX notice_channel_customer ON notice_channel (customer_id);

-- The operator's accounts: a mail server, contracts for SMS.
CREATE TABLE notice_sender (
    kind     TEXT PRIMARY KEY CHECK (kind IN ('email', 'aliyun_sms', 'tencent_sms')),
    settings JSONB NOT NULL,
    sealed   BYTEA NOT NULL
);

-- What there is to tell: one row per key, ever. Only the mark that it was handed on may change.
CREATE TABLE notice (
    notice_id    TEXT PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE CHECK (key <> ''),
    kind         TEXT NOT NULL,
    audience     TEXT NOT NULL CHECK (audience IN ('customer', 'operator')),
    customer_id  TEXT REFERENCES customer,
    facts        JSONB NOT NULL,
    only_channel TEXT,
    at           TIMESTAMPTZ NOT NULL,
    handed_on_at TIMESTAMPTZ,
    channels     INTEGER,
    CHECK (audience = 'operator' OR customer_id IS NOT NULL)
);
CREATE INDEX notice_waiting ON notice (notice_id) WHERE handed_on_at IS NULL;
CREATE INDEX notice_customer ON notice (customer_id, notice_id);

CREATE TABLE notice_attachment (
    notice_id  TEXT NOT NULL REFERENCES notice,
    position   SMALLINT NOT NULL,
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    body       BYTEA NOT NULL,
    PRIMARY KEY (notice_id, position)
);

-- What goes out: a message tells one or several notices on one channel, and keeps its id.
-- No foreign key to the channel: a removed channel leaves its log. `attempts` is the fence: the
-- note of an attempt that was overtaken changes nothing but the log.
CREATE TABLE notice_message (
    message_id   TEXT PRIMARY KEY,
    channel_id   TEXT NOT NULL,
    customer_id  TEXT REFERENCES customer,
    channel_kind TEXT NOT NULL,
    hint         TEXT NOT NULL,
    bucket       TEXT NOT NULL,
    urgent       BOOLEAN NOT NULL,
    state        TEXT NOT NULL DEFAULT 'waiting'
                 CHECK (state IN ('waiting', 'sent', 'dead', 'dropped')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       TIMESTAMPTZ NOT NULL,
    leased_until TIMESTAMPTZ,
    formed_at    TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ
);
CREATE INDEX notice_message_due ON notice_message (due_at) WHERE state = 'waiting';
CREATE INDEX notice_message_channel ON notice_message (channel_id, formed_at);
CREATE INDEX notice_message_customer ON notice_message (customer_id, message_id);

-- Which notice is told on which channel, and, once formed, in which message.
CREATE TABLE notice_copy (
    notice_id  TEXT NOT NULL REFERENCES notice,
    channel_id TEXT NOT NULL,
    ready_at   TIMESTAMPTZ NOT NULL,
    message_id TEXT REFERENCES notice_message,
    PRIMARY KEY (notice_id, channel_id)
);
CREATE INDEX notice_copy_waiting ON notice_copy (channel_id, ready_at) WHERE message_id IS NULL;
CREATE INDEX notice_copy_message ON notice_copy (message_id);

-- Every attempt has a row before it begins, and an outcome when it ended; none: the process died.
CREATE TABLE notice_attempt (
    message_id TEXT NOT NULL REFERENCES notice_message,
    number     INTEGER NOT NULL,
    bucket     TEXT NOT NULL,
    begun_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (message_id, number)
);
CREATE INDEX notice_attempt_bucket ON notice_attempt (bucket, begun_at);

CREATE TABLE notice_outcome (
    message_id TEXT NOT NULL,
    number     INTEGER NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    result     TEXT NOT NULL CHECK (result IN ('sent', 'retry', 'refused')),
    code       TEXT NOT NULL,
    said       TEXT NOT NULL,
    PRIMARY KEY (message_id, number),
    FOREIGN KEY (message_id, number) REFERENCES notice_attempt
);

-- Notices, attempts and outcomes are added and never edited; people may be forgotten (PIPL).
GRANT SELECT, INSERT ON notice, notice_attachment, notice_message, notice_copy, notice_attempt,
                        notice_outcome TO yuejie_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notice_contact, notice_channel, notice_sender TO yuejie_app;
GRANT UPDATE (handed_on_at, channels) ON notice TO yuejie_app;
GRANT UPDATE (state, attempts, due_at, leased_until, ended_at) ON notice_message TO yuejie_app;
GRANT UPDATE (ready_at, message_id), DELETE ON notice_copy TO yuejie_app;
