-- 0031_pre_create_warehouse
-- Why: raw events of months that are over and proved may lie in ClickHouse instead, batch by batch,
--      each counted and checksummed; what is kept how long, what must not be deleted, and the
--      record of what was deleted.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

-- Where the events of a UTC month lie. No row means here, in PostgreSQL.
CREATE TABLE usage_partition (
    first_day  DATE PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('here', 'moved', 'deleted')),
    upto_epoch INTEGER NOT NULL,
    rows       BIGINT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);

-- A closed slice: the versions of a customer's events between two ids that were written behind one
-- epoch up to another, both ended. So no row can join it later, and it is the same whenever read.
CREATE TABLE usage_batch (
    batch_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_day   DATE NOT NULL,
    customer_id TEXT NOT NULL,
    after_epoch INTEGER NOT NULL,
    upto_epoch  INTEGER NOT NULL CHECK (upto_epoch > after_epoch),
    low         UUID NOT NULL,
    high        UUID NOT NULL CHECK (high >= low),
    first_month CHAR(7) NOT NULL,
    last_month  CHAR(7) NOT NULL,
    rows        BIGINT NOT NULL CHECK (rows > 0),
    checksum    TEXT NOT NULL,
    planned_at  TIMESTAMPTZ NOT NULL,
    verified_at TIMESTAMPTZ,
    deleted_at  TIMESTAMPTZ,        -- no longer read: past its term
    purged_at   TIMESTAMPTZ,        -- gone from ClickHouse's disk
    UNIQUE (first_day, customer_id, after_epoch, low)
);
CREATE INDEX usage_batch_of ON usage_batch (customer_id, first_month, last_month);

-- A month that the oracle computed again without a difference, and up to which epoch it was closed.
CREATE TABLE month_proof (
    customer_id TEXT NOT NULL REFERENCES customer,
    month       CHAR(7) NOT NULL,
    epoch       INTEGER NOT NULL,
    bills       INTEGER NOT NULL,
    proved_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, month, epoch)
);

-- How long a kind of record is kept: the newest word counts, a customer's before the house's.
CREATE TABLE retention_term (
    term_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        TEXT NOT NULL,
    customer_id TEXT REFERENCES customer,
    months      INTEGER NOT NULL CHECK (months > 0),
    why         TEXT NOT NULL CHECK (why <> ''),
    set_by      TEXT NOT NULL,
    set_at      TIMESTAMPTZ NOT NULL
);

-- Nothing of a customer's months is deleted while a preservation stands.
CREATE TABLE preservation (
    preservation_id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    first_month CHAR(7) NOT NULL,
    last_month  CHAR(7),
    why         TEXT NOT NULL CHECK (why <> ''),
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    lifted_by   TEXT,
    lifted_at   TIMESTAMPTZ,
    lifted_why  TEXT NOT NULL DEFAULT '',
    CHECK (last_month IS NULL OR last_month >= first_month),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX preservation_standing ON preservation (customer_id) WHERE lifted_at IS NULL;

-- What was deleted; never what it said.
CREATE TABLE deletion (
    deletion_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        TEXT NOT NULL,
    customer_id TEXT,
    what        TEXT NOT NULL,
    rows        BIGINT NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    why         TEXT NOT NULL
);

CREATE FUNCTION usage_partition_name(first_day DATE) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT 'usage_event_' || (extract(year FROM first_day) * 100
                              + extract(month FROM first_day))::int::text
$$;

-- A partition whose events lie elsewhere is not made anew: what is known there would be taken twice.
CREATE OR REPLACE FUNCTION ensure_usage_partition(first_day DATE) RETURNS BOOLEAN LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name TEXT := 'usage_event_' || to_char(first_day, 'YYYYMM');
    low  UUID := uuid_floor(first_day::timestamp AT TIME ZONE 'UTC');
    high UUID := uuid_floor((first_day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    IF EXISTS (SELECT FROM usage_partition p
               WHERE p.first_day = ensure_usage_partition.first_day AND p.state <> 'here') THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF usage_event FOR VALUES FROM (%L) TO (%L)',
        name, low, high);
    RETURN TRUE;
END $$;

-- Drop a partition whose every row is in a verified batch. Counted again here, under a lock that
-- lets nobody write: whatever the caller believes, no row goes that was not counted elsewhere.
CREATE FUNCTION move_usage_partition(day DATE, upto INTEGER, at TIMESTAMPTZ) RETURNS BIGINT
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name     TEXT := usage_partition_name(day);
    here     BIGINT;
    late     BIGINT;
    open     BIGINT;
    verified BIGINT;
BEGIN
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', name);
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE epoch > %s) FROM %I', upto, name)
        INTO here, late;
    EXECUTE format(
        'SELECT count(*) FROM %1$I e
         WHERE e.state IN (''estimated'', ''unmeasured'', ''unpriced'')
           AND NOT EXISTS (SELECT FROM %1$I l
                           WHERE l.event_id = e.event_id AND l.version > e.version)', name)
        INTO open;
    SELECT coalesce(sum(b.rows), 0) INTO verified FROM usage_batch b
     WHERE b.first_day = day AND b.verified_at IS NOT NULL AND b.deleted_at IS NULL
       AND b.upto_epoch <= upto;
    IF late > 0 OR open > 0 OR here <> verified THEN
        RAISE EXCEPTION 'partition % has % rows, of which % are verified, % late and % open',
            name, here, verified, late, open;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    INSERT INTO usage_partition (first_day, state, upto_epoch, rows, changed_at)
    VALUES (day, 'moved', upto, here, at)
    ON CONFLICT (first_day) DO UPDATE
       SET state = 'moved', upto_epoch = EXCLUDED.upto_epoch, rows = EXCLUDED.rows,
           changed_at = EXCLUDED.changed_at;
    RETURN here;
END $$;

-- A table beside, filled at leisure, that becomes the partition when it is complete.
CREATE FUNCTION begin_usage_return(day DATE) RETURNS VOID LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM usage_partition p WHERE p.first_day = day AND p.state = 'moved') THEN
        RAISE EXCEPTION 'the events of % are not elsewhere', day;
    END IF;
    DROP TABLE IF EXISTS usage_event_returning;
    CREATE TABLE usage_event_returning (LIKE usage_event INCLUDING ALL);
    EXECUTE format(
        'ALTER TABLE usage_event_returning ADD CONSTRAINT of_its_month
         CHECK (event_id >= %L AND event_id < %L)',
        uuid_floor(day::timestamp AT TIME ZONE 'UTC'),
        uuid_floor((day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC'));
    GRANT SELECT, INSERT ON usage_event_returning TO yuejie_app;
END $$;

CREATE FUNCTION end_usage_return(day DATE, at TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name     TEXT := usage_partition_name(day);
    here     BIGINT;
    verified BIGINT;
BEGIN
    SELECT count(*) INTO here FROM usage_event_returning;
    SELECT coalesce(sum(b.rows), 0) INTO verified FROM usage_batch b
     WHERE b.first_day = day AND b.verified_at IS NOT NULL AND b.deleted_at IS NULL;
    IF here <> verified THEN
        RAISE EXCEPTION '% of % events of % came back', here, verified, name;
    END IF;
    EXECUTE format('ALTER TABLE usage_event_returning RENAME TO %I', name);
    EXECUTE format(
        'ALTER TABLE usage_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
        uuid_floor(day::timestamp AT TIME ZONE 'UTC'),
        uuid_floor((day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC'));
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT of_its_month', name);
    UPDATE usage_partition SET state = 'here', rows = here, changed_at = at WHERE first_day = day;
    RETURN here;
END $$;

-- Whether a standing preservation covers a customer's month; everybody's where customer is NULL.
CREATE FUNCTION is_preserved(customer TEXT, first TEXT, last TEXT) RETURNS BOOLEAN
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM preservation p
                   WHERE p.lifted_at IS NULL AND (customer IS NULL OR p.customer_id = customer)
                     AND p.first_month <= last AND (p.last_month IS NULL OR p.last_month >= first))
$$;

-- Events past their term that never left PostgreSQL. Refused where somebody's are preserved.
CREATE FUNCTION delete_usage_partition(day DATE, at TIMESTAMPTZ) RETURNS BIGINT LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name  TEXT := usage_partition_name(day);
    here  BIGINT;
    first TEXT;
    last  TEXT;
    held  BOOLEAN;
BEGIN
    IF day > at - INTERVAL '7 months' THEN
        RAISE EXCEPTION 'events are kept for six months at least';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', name);
    EXECUTE format('SELECT count(*), min(month), max(month) FROM %I', name) INTO here, first, last;
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM (SELECT DISTINCT customer_id, month FROM %I) e
                        WHERE is_preserved(e.customer_id, e.month, e.month))', name) INTO held;
    IF held THEN
        RAISE EXCEPTION 'events of % are preserved', name;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    INSERT INTO usage_partition (first_day, state, upto_epoch, rows, changed_at)
    VALUES (day, 'deleted', 0, 0, at)
    ON CONFLICT (first_day) DO UPDATE
       SET state = 'deleted', rows = 0, changed_at = EXCLUDED.changed_at;
    UPDATE usage_batch b SET deleted_at = at WHERE b.first_day = day AND b.deleted_at IS NULL;
    RETURN here;
END $$;

-- Records of who logged in and what a receiver answered; the law's six months are in the floor.
CREATE FUNCTION delete_old_logs(before TIMESTAMPTZ, at TIMESTAMPTZ)
    RETURNS TABLE (what TEXT, gone BIGINT) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    spared TEXT[] := ARRAY(SELECT p.customer_id FROM preservation p WHERE p.lifted_at IS NULL);
BEGIN
    IF before > at - INTERVAL '6 months' THEN
        RAISE EXCEPTION 'logs are kept for six months at least';
    END IF;
    DELETE FROM login_failure f WHERE f.at < before;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'login_failure'; RETURN NEXT;
    DELETE FROM session s USING member m
     WHERE s.member_id = m.member_id AND s.seen_at < before AND coalesce(s.ended_at, before) <= before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'session'; RETURN NEXT;
    DELETE FROM invitation i USING member m
     WHERE i.member_id = m.member_id AND i.expires_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'invitation'; RETURN NEXT;
    DELETE FROM notice_outcome o USING notice_message m
     WHERE o.message_id = m.message_id AND m.state <> 'waiting' AND m.ended_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_outcome'; RETURN NEXT;
    DELETE FROM notice_attempt a USING notice_message m
     WHERE a.message_id = m.message_id AND m.state <> 'waiting' AND m.ended_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_attempt'; RETURN NEXT;
END $$;

-- People of a customer that left: what identifies them goes, what is sealed or booked stays.
-- A member's id stays, so that what was signed still points at one person, whom nobody can name.
CREATE FUNCTION forget_people(customer TEXT, person TEXT, at TIMESTAMPTZ)
    RETURNS TABLE (what TEXT, gone BIGINT) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    these TEXT[];
    names TEXT[];
BEGIN
    IF is_preserved(customer, '0000-00', '9999-99') THEN
        RAISE EXCEPTION 'the records of % are preserved', customer;
    END IF;
    SELECT array_agg(m.member_id), array_agg(m.name) INTO these, names FROM member m
     WHERE m.customer_id = customer AND (person IS NULL OR m.member_id = person);
    DELETE FROM login_failure f WHERE f.name = ANY(names);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'login_failure'; RETURN NEXT;
    DELETE FROM invitation i WHERE i.member_id = ANY(these);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'invitation'; RETURN NEXT;
    DELETE FROM session s WHERE s.member_id = ANY(these);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'session'; RETURN NEXT;
    DELETE FROM login l WHERE l.member_id = ANY(these);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'login'; RETURN NEXT;
    DELETE FROM sso_person p WHERE p.member_id = ANY(these);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'sso_person'; RETURN NEXT;
    UPDATE member_token t SET name = '已注销', revoked_at = coalesce(t.revoked_at, at)
     WHERE t.member_id = ANY(these) AND t.name <> '已注销';
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'member_token'; RETURN NEXT;
    UPDATE member m SET name = '已注销 ' || m.member_id, digest = sha256(m.member_id::bytea),
           revoked_at = coalesce(m.revoked_at, at)
     WHERE m.member_id = ANY(these) AND m.name NOT LIKE '已注销 %';
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'member'; RETURN NEXT;
    IF person IS NOT NULL THEN
        RETURN;
    END IF;
    DELETE FROM notice_copy c USING notice_channel n
     WHERE c.channel_id = n.channel_id AND n.customer_id = customer AND c.message_id IS NULL;
    DELETE FROM notice_channel c WHERE c.customer_id = customer;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_channel'; RETURN NEXT;
    UPDATE notice_message m SET hint = '已注销', bucket = m.channel_id,
           state = CASE m.state WHEN 'waiting' THEN 'dropped' ELSE m.state END,
           ended_at = coalesce(m.ended_at, at)
     WHERE m.customer_id = customer AND m.hint <> '已注销';
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_message'; RETURN NEXT;
    UPDATE notice_outcome o SET said = '' FROM notice_message m
     WHERE o.message_id = m.message_id AND m.customer_id = customer AND o.said <> '';
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_outcome'; RETURN NEXT;
    DELETE FROM notice_contact c WHERE c.customer_id = customer;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_contact'; RETURN NEXT;
    -- A company's title is public record; where it goes by mail is not, nor is a person's title.
    UPDATE fapiao_title t SET emails = '{}', mobile = '', state = 'retired', is_default = FALSE,
           name = CASE WHEN t.natural_person THEN '已注销 ' || t.title_id ELSE t.name END,
           tax_number = CASE WHEN t.natural_person THEN '' ELSE t.tax_number END,
           address = CASE WHEN t.natural_person THEN '' ELSE t.address END,
           phone = CASE WHEN t.natural_person THEN '' ELSE t.phone END,
           bank_name = CASE WHEN t.natural_person THEN '' ELSE t.bank_name END,
           bank_account = CASE WHEN t.natural_person THEN '' ELSE t.bank_account END
     WHERE t.customer_id = customer
       AND (t.emails <> '{}' OR t.mobile <> '' OR t.natural_person AND t.name NOT LIKE '已注销 %');
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'fapiao_title'; RETURN NEXT;
    -- Where a fapiao was mailed to is no part of it, and is not sealed.
    UPDATE fapiao f SET emails = '{}', mobile = ''
     WHERE f.customer_id = customer AND (f.emails <> '{}' OR f.mobile <> '');
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'fapiao'; RETURN NEXT;
    UPDATE signing s SET signer = '{}'::jsonb, url = ''
     WHERE s.customer_id = customer AND s.state IN ('completed', 'refused', 'failed')
       AND s.signer <> '{}'::jsonb;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'signing'; RETURN NEXT;
    UPDATE trial_request r SET contact = '已注销', email = '', phone = '' FROM trial t
     WHERE t.request_id = r.request_id AND t.customer_id = customer AND r.contact <> '已注销';
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'trial_request'; RETURN NEXT;
END $$;

GRANT SELECT, INSERT ON usage_partition, usage_batch, month_proof, retention_term, preservation,
                        deletion TO yuejie_app;
GRANT UPDATE (verified_at, deleted_at, purged_at) ON usage_batch TO yuejie_app;
GRANT UPDATE (state, rows, changed_at) ON usage_partition TO yuejie_app;
GRANT UPDATE (proved_at, bills) ON month_proof TO yuejie_app;
GRANT UPDATE (lifted_by, lifted_at, lifted_why) ON preservation TO yuejie_app;
