-- 0034_pre_create_share_rules
-- Why: what a bill asks of the whole customer is shown to its projects and departments by rules of
--      the customer's own; a rule is only ever added, so an allocation can be shown as it once was.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

-- `what`: '*', a kind of line, or 'project:<id>' for a project whose cost others bear.
-- `weights`: by project id; every weight 1 where the method is equal, empty for whoever used.
CREATE TABLE share_rule (
    rule_id     TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    what        TEXT NOT NULL,
    method      TEXT NOT NULL CHECK (method IN ('equal', 'proportional', 'custom')),
    weights     JSONB NOT NULL,
    since       CHAR(7) NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX share_rule_of_customer ON share_rule (customer_id, since, made_at);

GRANT SELECT, INSERT ON share_rule TO yuejie_app;
