-- 0052_pre_see_what_buyers_start
-- Why: a red form that the buyer starts (03 购方录入待销方确认) was never seen, and lapsed after 72
--      hours or was confirmed on the tax office's site behind our back. It is a red fapiao that
--      somebody else asked for: two people of ours answer it, one proposing and one approving.
--      `fapiao_form_look` says when the platform was last asked for such forms, and whether it
--      answered: Baiwang allows it once a day.
-- Lock: ACCESS EXCLUSIVE on fapiao_red and fapiao_errand for an instant; they hold some rows a
--       customer and month.

SET LOCAL lock_timeout = '5s';

ALTER TABLE fapiao_red
    ADD COLUMN started_by TEXT NOT NULL DEFAULT 'seller' CHECK (started_by IN ('seller', 'buyer')),
    ADD COLUMN answer TEXT NOT NULL DEFAULT '' CHECK (answer IN ('', 'agree', 'deny')),
    ADD COLUMN answered_by TEXT,
    ADD COLUMN answered_at TIMESTAMPTZ,
    ADD CONSTRAINT fapiao_red_answered_whole CHECK (
        (answer = '') = (answered_by IS NULL) AND (answer = '') = (answered_at IS NULL)),
    ADD CONSTRAINT fapiao_red_answered_by_two CHECK (approved_by <> answered_by),
    ADD CONSTRAINT fapiao_red_only_buyers_are_answered CHECK (answer = '' OR started_by = 'buyer');
CREATE INDEX fapiao_red_form_uuid ON fapiao_red (form_uuid) WHERE form_uuid <> '';
GRANT UPDATE (answer, answered_by, answered_at) ON fapiao_red TO yuejie_app;

ALTER TABLE fapiao_errand DROP CONSTRAINT fapiao_errand_what_check;
ALTER TABLE fapiao_errand ADD CONSTRAINT fapiao_errand_what_check CHECK (
    what IN ('issue', 'files', 'deliver', 'red', 'withdraw', 'answer'));

CREATE TABLE fapiao_form_look (
    provider TEXT NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    answered BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (provider, at)
);
GRANT SELECT, INSERT ON fapiao_form_look TO yuejie_app;
GRANT UPDATE (answered) ON fapiao_form_look TO yuejie_app;
