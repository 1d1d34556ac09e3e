-- 0051_pre_turn_down_and_read_anew
-- Why: what one person asks for and another approves could be approved and nothing else: an end, a
--      temporary limit, a package or a voucher that was asked for by mistake waited for ever, and an
--      end that waits keeps its contract from being renewed. Somebody turns it down now, and says
--      why.
--      A provider's report that was read by a wrong mapping is read anew from the same file; it was
--      known already, so the right reading was never kept. Likewise a signed copy that was kept
--      before its draft changed may be handed in again for what the draft says now.
-- Lock: ACCESS EXCLUSIVE on each table for an instant; they hold some rows a customer.

SET LOCAL lock_timeout = '5s';

ALTER TABLE contract_end
    ADD COLUMN rejected_by TEXT,
    ADD COLUMN rejected_at TIMESTAMPTZ,
    ADD COLUMN rejected_why TEXT,
    ADD CONSTRAINT contract_end_rejected_whole CHECK (
        (rejected_by IS NULL) = (rejected_at IS NULL)
        AND (rejected_by IS NULL) = (rejected_why IS NULL)),
    ADD CONSTRAINT contract_end_decided_once CHECK (approved_by IS NULL OR rejected_by IS NULL);
DROP INDEX contract_end_waiting;
CREATE UNIQUE INDEX contract_end_waiting ON contract_end (contract_id)
    WHERE approved_by IS NULL AND rejected_by IS NULL;
GRANT UPDATE (rejected_by, rejected_at, rejected_why) ON contract_end TO yuejie_app;

ALTER TABLE temporary_limit
    ADD COLUMN rejected_by TEXT,
    ADD COLUMN rejected_at TIMESTAMPTZ,
    ADD COLUMN rejected_why TEXT,
    ADD CONSTRAINT temporary_limit_rejected_whole CHECK (
        (rejected_by IS NULL) = (rejected_at IS NULL)
        AND (rejected_by IS NULL) = (rejected_why IS NULL)),
    ADD CONSTRAINT temporary_limit_decided_once CHECK (approved_by IS NULL OR rejected_by IS NULL);
GRANT UPDATE (rejected_by, rejected_at, rejected_why) ON temporary_limit TO yuejie_app;

ALTER TABLE customer_grant
    ADD COLUMN rejected_by TEXT,
    ADD COLUMN rejected_at TIMESTAMPTZ,
    ADD COLUMN rejected_why TEXT,
    ADD CONSTRAINT customer_grant_rejected_whole CHECK (
        (rejected_by IS NULL) = (rejected_at IS NULL)
        AND (rejected_by IS NULL) = (rejected_why IS NULL)),
    ADD CONSTRAINT customer_grant_decided_once CHECK (approved_by IS NULL OR rejected_by IS NULL);
GRANT UPDATE (rejected_by, rejected_at, rejected_why) ON customer_grant TO yuejie_app;

-- How a file was read: SHA-256 of what the reading says. Empty: read before this was kept.
-- Of a file the reading that was imported last counts; the same again is known under a lock.
ALTER TABLE provider_report ADD COLUMN reading TEXT NOT NULL DEFAULT '';
ALTER TABLE provider_report DROP CONSTRAINT provider_report_account_id_month_source_sha256_key;
CREATE INDEX provider_report_of_month ON provider_report (account_id, month, source, sha256);

DROP INDEX contract_paper_once;
CREATE UNIQUE INDEX contract_paper_once
    ON contract_paper (coalesce(draft_id, ''), coalesce(contract_id, ''), kind, sha256)
    WHERE kind <> 'signed';
