-- The sum of all migrations: what they build, written by `python -m yuejie.db.dump`.
-- Never edited by hand, never applied in production; a test keeps it equal to the migrations.

SET check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.begin_usage_return(day date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.bump_snapshot()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE snapshot_revision SET revision = revision + 1;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.delete_old_logs(before timestamp with time zone, at timestamp with time zone)
 RETURNS TABLE(what text, gone bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
    DELETE FROM job j
     WHERE j.ended_at < before AND NOT coalesce(j.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'job'; RETURN NEXT;
    DELETE FROM gateway_refusal r
     WHERE r.minute < before AND NOT r.is_ours AND NOT r.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refusal'; RETURN NEXT;
    DELETE FROM gateway_refused_call c
     WHERE c.at < delete_old_logs.at - INTERVAL '30 days' AND NOT c.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refused_call'; RETURN NEXT;
END $function$;

CREATE OR REPLACE FUNCTION public.delete_usage_partition(day date, at timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.end_usage_return(day date, at timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.ensure_usage_partition(first_day date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.forget_people(customer text, person text, at timestamp with time zone)
 RETURNS TABLE(what text, gone bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.is_preserved(customer text, first text, last text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT EXISTS (SELECT FROM preservation p
                   WHERE p.lifted_at IS NULL AND (customer IS NULL OR p.customer_id = customer)
                     AND p.first_month <= last AND (p.last_month IS NULL OR p.last_month >= first))
$function$;

CREATE OR REPLACE FUNCTION public.move_usage_partition(day date, upto integer, at timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.note_usage_month()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO usage_month AS known (customer_id, month, last_epoch)
    SELECT d.customer_id, added.month, max(added.epoch)
    FROM added JOIN usage_dimension d USING (dimension_id)
    GROUP BY d.customer_id, added.month
    ORDER BY d.customer_id, added.month
    ON CONFLICT (customer_id, month) DO UPDATE SET last_epoch = EXCLUDED.last_epoch
    WHERE known.last_epoch < EXCLUDED.last_epoch;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_contract_number()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.contract_id IS NOT NULL OR NEW.contract_id IS NULL THEN
        RAISE EXCEPTION 'a contract never changes its number';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_decided_credit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.state <> 'requested' AND OLD IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'a decided credit note never changes';
    END IF;
    IF NEW.state = 'approved' AND NEW.previous_seal IS NULL AND OLD.state = 'requested'
       AND EXISTS (SELECT FROM credit_note
                   WHERE customer_id = NEW.customer_id AND previous_seal IS NOT NULL) THEN
        RAISE EXCEPTION 'the credit notes of this customer are chained: approve it with the program of this version';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_issued_bill()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    was bill := OLD;
    became bill := NEW;
BEGIN
    IF OLD.issued_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.state NOT IN ('issued', 'paid', 'written_off', 'voided') THEN
        RAISE EXCEPTION 'an issued bill never becomes a draft again';
    END IF;
    was.state := NULL;
    became.state := NULL;
    IF OLD.due_on IS NULL THEN
        was.due_on := NULL;
        became.due_on := NULL;
    END IF;
    IF was IS DISTINCT FROM became THEN
        RAISE EXCEPTION 'an issued bill never changes';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_ledger()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'the ledger never changes: post a reversal';
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_price_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.state <> 'asked'
       OR (OLD.change_id, OLD.book_id, OLD.starts_at, OLD.source, OLD.lists, OLD.stands, OLD.remarks,
           OLD.body_hash, OLD.why, OLD.asked_by, OLD.asked_at)
          IS DISTINCT FROM
          (NEW.change_id, NEW.book_id, NEW.starts_at, NEW.source, NEW.lists, NEW.stands, NEW.remarks,
           NEW.body_hash, NEW.why, NEW.asked_by, NEW.asked_at) THEN
        RAISE EXCEPTION 'a change of prices is decided once and as it was asked for';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_provider_payment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.state IN ('paid', 'rejected')
       OR (OLD.account_id, OLD.provider_bill_id, OLD.purpose, OLD.currency, OLD.fen,
           OLD.requested_by, OLD.requested_at)
          IS DISTINCT FROM
          (NEW.account_id, NEW.provider_bill_id, NEW.purpose, NEW.currency, NEW.fen,
           NEW.requested_by, NEW.requested_at) THEN
        RAISE EXCEPTION 'a payment to a provider changes only along its life';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_edit_of_issued()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    bill_state TEXT;
BEGIN
    SELECT state INTO bill_state FROM bill
     WHERE bill_id = COALESCE(NEW.bill_id, OLD.bill_id);
    IF bill_state <> 'draft' THEN
        RAISE EXCEPTION 'the lines of an issued bill never change';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_late_posting()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entry
                   WHERE entry_id = NEW.entry_id AND recorded_at = now()) THEN
        RAISE EXCEPTION 'entry % is written and never changes', NEW.entry_id;
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_other_fapiao_number()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.number IS NOT NULL AND (OLD.number, OLD.issued_at) IS DISTINCT FROM
                                  (NEW.number, NEW.issued_at) THEN
        RAISE EXCEPTION 'an issued fapiao never changes';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_unbalanced_entry()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF EXISTS (SELECT FROM ledger_posting WHERE entry_id = NEW.entry_id
               GROUP BY currency HAVING sum(fen) <> 0) THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.sum_the_house()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO usage_sum_house AS known
        SELECT grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state,
               sum(quantity)
        FROM added WHERE grain IN ('day', 'month') GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ON CONFLICT (grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state)
        DO UPDATE SET quantity = known.quantity + EXCLUDED.quantity;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO usage_sum_house AS known
        SELECT grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state,
               -sum(quantity)
        FROM gone WHERE grain IN ('day', 'month') GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
        ON CONFLICT (grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state)
        DO UPDATE SET quantity = known.quantity + EXCLUDED.quantity;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.usage_partition_name(first_day date)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT 'usage_event_' || (extract(year FROM first_day) * 100
                              + extract(month FROM first_day))::int::text
$function$;

CREATE OR REPLACE FUNCTION public.uuid_floor(instant timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT (lpad(to_hex((extract(epoch FROM instant) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$function$;

CREATE TABLE adjustment (
    adjustment_id text NOT NULL,
    key text,
    customer_id text NOT NULL,
    kind text NOT NULL,
    service_month character(7) NOT NULL,
    part text DEFAULT ''::text NOT NULL,
    currency text NOT NULL,
    amount_fen bigint NOT NULL,
    item text NOT NULL,
    why text NOT NULL,
    refers_to text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    by_rule boolean DEFAULT false NOT NULL,
    decided_why text DEFAULT ''::text NOT NULL,
    CONSTRAINT adjustment_pkey PRIMARY KEY (adjustment_id),
    CONSTRAINT adjustment_key_key UNIQUE (key),
    CONSTRAINT adjustment_amount_fen_check CHECK ((amount_fen <> 0)),
    CONSTRAINT adjustment_check CHECK ((by_rule OR (decided_by IS DISTINCT FROM proposed_by) OR (state = 'withdrawn'::text))),
    CONSTRAINT adjustment_kind_check CHECK ((kind = ANY (ARRAY['adjustment'::text, 'late_fee'::text, 'sla_credit'::text, 'break_fee'::text]))),
    CONSTRAINT adjustment_state_check CHECK ((state = ANY (ARRAY['proposed'::text, 'approved'::text, 'rejected'::text, 'withdrawn'::text])))
);

CREATE TABLE advice (
    advice_id text NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    slice text NOT NULL,
    found_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    CONSTRAINT advice_pkey PRIMARY KEY (advice_id),
    CONSTRAINT advice_state_check CHECK ((state = ANY (ARRAY['proposed'::text, 'accepted'::text, 'tracked'::text, 'realised'::text, 'dismissed'::text, 'lapsed'::text, 'ended'::text])))
);

CREATE TABLE advice_figure (
    figure_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    advice_id text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    saving_pico numeric(38,0) NOT NULL,
    currency text NOT NULL,
    saving_fen bigint NOT NULL,
    bill_currency text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT advice_figure_pkey PRIMARY KEY (figure_id),
    CONSTRAINT advice_figure_bill_currency_check CHECK ((bill_currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT advice_figure_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text])))
);

CREATE TABLE advice_measure (
    measure_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    advice_id text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    whole boolean NOT NULL,
    calls bigint NOT NULL,
    actual_pico numeric(38,0) NOT NULL,
    before_pico numeric(38,0) NOT NULL,
    low_pico numeric(38,0) NOT NULL,
    currency text NOT NULL,
    low_fen bigint NOT NULL,
    high_fen bigint NOT NULL,
    bill_currency text NOT NULL,
    said text NOT NULL,
    CONSTRAINT advice_measure_pkey PRIMARY KEY (measure_id),
    CONSTRAINT advice_measure_bill_currency_check CHECK ((bill_currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT advice_measure_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text])))
);

CREATE TABLE advice_round (
    round_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    mark text NOT NULL,
    joint_fen bigint NOT NULL,
    currency text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT advice_round_pkey PRIMARY KEY (round_id),
    CONSTRAINT advice_round_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text])))
);

CREATE TABLE advice_transition (
    transition_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    advice_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT advice_transition_pkey PRIMARY KEY (transition_id)
);

CREATE TABLE advice_word (
    word_id text NOT NULL,
    customer_id text NOT NULL,
    what text NOT NULL,
    name text NOT NULL,
    salt bytea DEFAULT '\x'::bytea NOT NULL,
    since timestamp with time zone NOT NULL,
    by text NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT advice_word_pkey PRIMARY KEY (word_id),
    CONSTRAINT advice_word_check CHECK (((what = 'prefix'::text) = (length(salt) = 32))),
    CONSTRAINT advice_word_what_check CHECK ((what = ANY (ARRAY['cheaper'::text, 'waits'::text, 'prefix'::text])))
);

CREATE TABLE adviser (
    adviser_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id text NOT NULL,
    person text NOT NULL,
    named_by text NOT NULL,
    named_at timestamp with time zone NOT NULL,
    CONSTRAINT adviser_pkey PRIMARY KEY (adviser_id)
);

CREATE TABLE allowance (
    number integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    allowance_id text NOT NULL,
    customer_id text NOT NULL,
    name text NOT NULL,
    origin text NOT NULL,
    project_id text,
    key_id text,
    model text,
    tag text,
    measure text NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    cap numeric(38,0) NOT NULL,
    mode text NOT NULL,
    output_bound integer,
    thresholds jsonb DEFAULT '[]'::jsonb NOT NULL,
    forecasts jsonb DEFAULT '[]'::jsonb NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT allowance_pkey PRIMARY KEY (number),
    CONSTRAINT allowance_allowance_id_key UNIQUE (allowance_id),
    CONSTRAINT allowance_check CHECK (((measure = 'money'::text) = (currency <> ''::text))),
    CONSTRAINT allowance_check1 CHECK (((measure = 'concurrency'::text) <= ((period = 'always'::text) AND (mode <> 'paced'::text)))),
    CONSTRAINT allowance_currency_check CHECK ((currency = ANY (ARRAY[''::text, 'CNY'::text, 'USD'::text]))),
    CONSTRAINT allowance_measure_check CHECK ((measure = ANY (ARRAY['money'::text, 'tokens'::text, 'requests'::text, 'concurrency'::text]))),
    CONSTRAINT allowance_mode_check CHECK ((mode = ANY (ARRAY['soft'::text, 'hard'::text, 'paced'::text]))),
    CONSTRAINT allowance_name_check CHECK ((name <> ''::text)),
    CONSTRAINT allowance_origin_check CHECK ((origin = ANY (ARRAY['budget'::text, 'credit'::text, 'protection'::text, 'trial'::text]))),
    CONSTRAINT allowance_output_bound_check CHECK ((output_bound > 0)),
    CONSTRAINT allowance_period_check CHECK ((period = ANY (ARRAY['minute'::text, 'day'::text, 'week'::text, 'month'::text, 'quarter'::text, 'year'::text, 'term'::text, 'always'::text])))
);

CREATE TABLE allowance_alert (
    number integer NOT NULL,
    starts_s bigint NOT NULL,
    basis text NOT NULL,
    percent integer NOT NULL,
    amount numeric(38,0) NOT NULL,
    cap numeric(38,0) NOT NULL,
    unit text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    eased_at timestamp with time zone,
    CONSTRAINT allowance_alert_pkey PRIMARY KEY (number, starts_s, basis, percent),
    CONSTRAINT allowance_alert_basis_check CHECK ((basis = ANY (ARRAY['actual'::text, 'forecast'::text]))),
    CONSTRAINT allowance_alert_percent_check CHECK ((percent > 0))
);

CREATE TABLE allowance_estimate (
    event_id uuid NOT NULL,
    number integer NOT NULL,
    starts_s bigint NOT NULL,
    unit text NOT NULL,
    amount numeric(38,0) NOT NULL,
    CONSTRAINT allowance_estimate_pkey PRIMARY KEY (event_id, number),
    CONSTRAINT allowance_estimate_amount_check CHECK ((amount > (0)::numeric))
);

CREATE TABLE allowance_flight (
    journal_id uuid NOT NULL,
    number integer NOT NULL,
    starts_s bigint NOT NULL,
    unit text NOT NULL,
    worst numeric(38,0) NOT NULL,
    calls integer NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT allowance_flight_pkey PRIMARY KEY (number, starts_s, unit, journal_id),
    CONSTRAINT allowance_flight_calls_check CHECK ((calls > 0)),
    CONSTRAINT allowance_flight_worst_check CHECK ((worst >= (0)::numeric))
);

CREATE TABLE allowance_grant (
    journal_id uuid NOT NULL,
    number integer NOT NULL,
    starts_s bigint NOT NULL,
    unit text NOT NULL,
    granted numeric(38,0) DEFAULT 0 NOT NULL,
    used numeric(38,0) DEFAULT 0 NOT NULL,
    returned numeric(38,0) DEFAULT 0 NOT NULL,
    presumed numeric(38,0) DEFAULT 0 NOT NULL,
    CONSTRAINT allowance_grant_pkey PRIMARY KEY (journal_id, number, starts_s, unit),
    CONSTRAINT allowance_grant_granted_check CHECK ((granted >= (0)::numeric)),
    CONSTRAINT allowance_grant_presumed_check CHECK ((presumed >= (0)::numeric)),
    CONSTRAINT allowance_grant_returned_check CHECK ((returned >= (0)::numeric)),
    CONSTRAINT allowance_grant_used_check CHECK ((used >= (0)::numeric))
);

CREATE TABLE allowance_journal (
    journal_id uuid NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    node_id uuid,
    CONSTRAINT allowance_journal_pkey PRIMARY KEY (journal_id)
);

CREATE TABLE allowance_window (
    number integer NOT NULL,
    starts_s bigint NOT NULL,
    unit text NOT NULL,
    ends_s bigint NOT NULL,
    cap numeric(38,0) NOT NULL,
    fx_id bigint,
    spent numeric(38,0) DEFAULT 0 NOT NULL,
    leased numeric(38,0) DEFAULT 0 NOT NULL,
    CONSTRAINT allowance_window_pkey PRIMARY KEY (number, starts_s, unit),
    CONSTRAINT allowance_window_check CHECK ((ends_s > starts_s)),
    CONSTRAINT allowance_window_leased_check CHECK ((leased >= (0)::numeric)),
    CONSTRAINT allowance_window_unit_check CHECK ((unit = ANY (ARRAY[''::text, 'CNY'::text, 'USD'::text])))
);

CREATE TABLE anomaly_cursor (
    customer_id text NOT NULL,
    hours_through timestamp with time zone NOT NULL,
    days_through date NOT NULL,
    CONSTRAINT anomaly_cursor_pkey PRIMARY KEY (customer_id)
);

CREATE TABLE anomaly_finding (
    finding_id text NOT NULL,
    customer_id text NOT NULL,
    key text NOT NULL,
    grain text NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    measure text NOT NULL,
    rule text NOT NULL,
    since timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    found_at timestamp with time zone NOT NULL,
    expected numeric(38,0) NOT NULL,
    observed numeric(38,0) NOT NULL,
    score_milli integer NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    shares jsonb NOT NULL,
    extra_pico numeric(38,0) NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    quiet smallint DEFAULT 0 NOT NULL,
    feedback text DEFAULT ''::text NOT NULL,
    CONSTRAINT anomaly_finding_pkey PRIMARY KEY (finding_id),
    CONSTRAINT anomaly_finding_key_key UNIQUE (key),
    CONSTRAINT anomaly_finding_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT anomaly_finding_feedback_check CHECK ((feedback = ANY (ARRAY[''::text, 'true'::text, 'false'::text]))),
    CONSTRAINT anomaly_finding_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text]))),
    CONSTRAINT anomaly_finding_measure_check CHECK ((measure = ANY (ARRAY['cost'::text, 'tokens'::text, 'requests'::text, 'errors'::text]))),
    CONSTRAINT anomaly_finding_rule_check CHECK ((rule = ANY (ARRAY['learnt'::text, 'sudden'::text, 'day_over_day'::text, 'month_over_month'::text]))),
    CONSTRAINT anomaly_finding_scope_check CHECK ((scope = ANY (ARRAY['customer'::text, 'project'::text, 'key'::text, 'model'::text]))),
    CONSTRAINT anomaly_finding_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'muted'::text, 'closed'::text])))
);

CREATE TABLE anomaly_series (
    series_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id text NOT NULL,
    grain text NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    measure text NOT NULL,
    used_at timestamp with time zone NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT anomaly_series_pkey PRIMARY KEY (series_id),
    CONSTRAINT anomaly_series_customer_id_grain_scope_name_measure_key UNIQUE (customer_id, grain, scope, name, measure),
    CONSTRAINT anomaly_series_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text]))),
    CONSTRAINT anomaly_series_measure_check CHECK ((measure = ANY (ARRAY['cost'::text, 'tokens'::text, 'requests'::text, 'errors'::text]))),
    CONSTRAINT anomaly_series_scope_check CHECK ((scope = ANY (ARRAY['customer'::text, 'project'::text, 'key'::text, 'model'::text])))
);

CREATE TABLE anomaly_transition (
    transition_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    finding_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT anomaly_transition_pkey PRIMARY KEY (transition_id)
);

CREATE TABLE anomaly_word (
    customer_id text NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    false_alarms smallint DEFAULT 0 NOT NULL,
    muted_until timestamp with time zone,
    CONSTRAINT anomaly_word_pkey PRIMARY KEY (customer_id, scope, name)
);

CREATE TABLE api_key (
    key_id text NOT NULL,
    customer_id text NOT NULL,
    project_id text NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    tags text DEFAULT ''::text NOT NULL,
    task_type text DEFAULT ''::text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    models text[],
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    replaced_by text,
    CONSTRAINT api_key_pkey PRIMARY KEY (key_id),
    CONSTRAINT api_key_digest_key UNIQUE (digest)
);

CREATE TABLE apportionment (
    apportionment_id text NOT NULL,
    batch_id text NOT NULL,
    "position" integer NOT NULL,
    source text NOT NULL,
    receipt_id text,
    source_customer text,
    use text NOT NULL,
    customer_id text NOT NULL,
    bill_id text,
    currency text NOT NULL,
    amount_fen bigint NOT NULL,
    effective_on date NOT NULL,
    undoes text,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT apportionment_pkey PRIMARY KEY (apportionment_id),
    CONSTRAINT apportionment_batch_id_position_key UNIQUE (batch_id, "position"),
    CONSTRAINT apportionment_undoes_key UNIQUE (undoes),
    CONSTRAINT apportionment_amount_fen_check CHECK ((amount_fen <> 0)),
    CONSTRAINT apportionment_check CHECK (((use = 'bill'::text) = (bill_id IS NOT NULL))),
    CONSTRAINT apportionment_check1 CHECK (((source = 'receipt'::text) = (receipt_id IS NOT NULL))),
    CONSTRAINT apportionment_check2 CHECK (((source = ANY (ARRAY['prepayment'::text, 'deposit'::text])) = (source_customer IS NOT NULL))),
    CONSTRAINT apportionment_source_check CHECK ((source = ANY (ARRAY['receipt'::text, 'prepayment'::text, 'deposit'::text, 'bank_charges'::text, 'bad_debt'::text]))),
    CONSTRAINT apportionment_use_check CHECK ((use = ANY (ARRAY['bill'::text, 'prepayment'::text, 'deposit'::text])))
);

CREATE TABLE auto_model (
    name text NOT NULL,
    version integer NOT NULL,
    active boolean NOT NULL,
    policy jsonb NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone NOT NULL,
    published_by text NOT NULL,
    CONSTRAINT auto_model_pkey PRIMARY KEY (name, version),
    CONSTRAINT auto_model_check CHECK ((starts_at >= published_at)),
    CONSTRAINT auto_model_version_check CHECK ((version > 0))
);

CREATE TABLE bank_account (
    account_id text NOT NULL,
    holder text NOT NULL,
    bank text NOT NULL,
    number text NOT NULL,
    currency text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT bank_account_pkey PRIMARY KEY (account_id),
    CONSTRAINT bank_account_number_key UNIQUE (number),
    CONSTRAINT bank_account_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text])))
);

CREATE TABLE bill (
    bill_id text NOT NULL,
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    number text,
    state text NOT NULL,
    contract_id text NOT NULL,
    contract_version integer NOT NULL,
    currency text NOT NULL,
    fx_policy text NOT NULL,
    tax_mode text NOT NULL,
    tax_ppm integer NOT NULL,
    epoch integer NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    seal bytea,
    previous_seal bytea,
    closed_at timestamp with time zone NOT NULL,
    issued_at timestamp with time zone,
    part text DEFAULT ''::text NOT NULL,
    part_name text DEFAULT ''::text NOT NULL,
    purchase_order text DEFAULT ''::text NOT NULL,
    proposed_hash bytea,
    billed_on date,
    review_until date,
    due_on date,
    fapiao_by date,
    seal_form smallint DEFAULT 1 NOT NULL,
    CONSTRAINT bill_pkey PRIMARY KEY (bill_id),
    CONSTRAINT bill_number_key UNIQUE (number),
    CONSTRAINT bill_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'proposed'::text, 'confirmed'::text, 'disputed'::text, 'issued'::text, 'paid'::text, 'written_off'::text, 'voided'::text])))
);

CREATE TABLE bill_dispute (
    dispute_id text NOT NULL,
    bill_id text NOT NULL,
    customer_id text NOT NULL,
    line_id text NOT NULL,
    line_text text NOT NULL,
    claimed_fen bigint,
    why text NOT NULL,
    state text NOT NULL,
    raised_by text NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    adjustment_id text,
    answered_by text,
    answered_at timestamp with time zone,
    CONSTRAINT bill_dispute_pkey PRIMARY KEY (dispute_id),
    CONSTRAINT bill_dispute_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'rejected'::text, 'withdrawn'::text])))
);

CREATE TABLE bill_earlier_draft (
    draft_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    bill_id text NOT NULL,
    customer_id text NOT NULL,
    epoch bigint NOT NULL,
    contract_id text NOT NULL,
    contract_version integer NOT NULL,
    currency text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    lines jsonb NOT NULL,
    tax_lines jsonb NOT NULL,
    closed_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone NOT NULL,
    CONSTRAINT bill_earlier_draft_pkey PRIMARY KEY (draft_id)
);

CREATE TABLE bill_line (
    line_id text NOT NULL,
    bill_id text NOT NULL,
    customer_id text NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    service_month character(7) NOT NULL,
    project_id text,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint,
    quantity numeric(38,0) NOT NULL,
    rate_pico bigint NOT NULL,
    rate_currency text NOT NULL,
    charge_pico numeric(38,0) NOT NULL,
    fx_id bigint,
    fx_e8 bigint,
    amount_fen bigint NOT NULL,
    usd_fen bigint,
    cny_fen bigint,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    item text DEFAULT ''::text NOT NULL,
    refers_to text DEFAULT ''::text NOT NULL,
    tax_line integer,
    CONSTRAINT bill_line_pkey PRIMARY KEY (line_id),
    CONSTRAINT bill_line_bill_id_position_key UNIQUE (bill_id, "position"),
    CONSTRAINT bill_line_kind_check CHECK ((kind = ANY (ARRAY['usage'::text, 'late'::text, 'tier_discount'::text, 'package'::text, 'true_up'::text, 'management_fee'::text, 'sla_credit'::text, 'voucher'::text, 'adjustment'::text, 'late_fee'::text, 'break_fee'::text, 'package_purchase'::text, 'carried'::text, 'cloud'::text]))),
    CONSTRAINT bill_line_usage_check CHECK (((kind = ANY (ARRAY['usage'::text, 'late'::text])) = ((project_id IS NOT NULL) AND (sale_rate IS NOT NULL))))
);

CREATE TABLE bill_number (
    year integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT bill_number_pkey PRIMARY KEY (year)
);

CREATE TABLE bill_reminder (
    bill_id text NOT NULL,
    due_on date NOT NULL,
    step integer NOT NULL,
    customer_id text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT bill_reminder_pkey PRIMARY KEY (bill_id, due_on, step)
);

CREATE TABLE bill_tax_line (
    bill_id text NOT NULL,
    "position" integer NOT NULL,
    customer_id text NOT NULL,
    item text NOT NULL,
    project_id text,
    model text,
    tax_ppm integer NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    CONSTRAINT bill_tax_line_pkey PRIMARY KEY (bill_id, "position"),
    CONSTRAINT bill_tax_line_check CHECK ((gross_fen = (net_fen + tax_fen)))
);

CREATE TABLE bill_transition (
    bill_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text DEFAULT ''::text NOT NULL
);

CREATE TABLE billing_unit (
    unit_id text NOT NULL,
    customer_id text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT billing_unit_pkey PRIMARY KEY (unit_id),
    CONSTRAINT billing_unit_customer_id_name_key UNIQUE (customer_id, name)
);

CREATE TABLE billing_unit_project (
    customer_id text NOT NULL,
    project_id text NOT NULL,
    since character(7) NOT NULL,
    unit_id text NOT NULL,
    assigned_at timestamp with time zone NOT NULL,
    CONSTRAINT billing_unit_project_pkey PRIMARY KEY (project_id, since, assigned_at)
);

CREATE TABLE book (
    book_id text NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    parent_book text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT book_pkey PRIMARY KEY (book_id),
    CONSTRAINT book_check CHECK (((kind = ANY (ARRAY['card'::text, 'contract'::text])) = (parent_book IS NOT NULL))),
    CONSTRAINT book_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT book_kind_check CHECK ((kind = ANY (ARRAY['cost'::text, 'sale'::text, 'card'::text, 'contract'::text])))
);

CREATE TABLE book_revision (
    book_id text NOT NULL,
    revision integer NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    body_hash bytea NOT NULL,
    approved_by text,
    fx_id bigint,
    CONSTRAINT book_revision_pkey PRIMARY KEY (book_id, revision)
);

CREATE TABLE capacity_cursor (
    only_one boolean DEFAULT true NOT NULL,
    hours_through timestamp with time zone NOT NULL,
    settled_through timestamp with time zone NOT NULL,
    CONSTRAINT capacity_cursor_pkey PRIMARY KEY (only_one),
    CONSTRAINT capacity_cursor_only_one_check CHECK (only_one)
);

CREATE TABLE capacity_hour (
    account_id text NOT NULL,
    upstream_model text NOT NULL,
    hour timestamp with time zone NOT NULL,
    requests bigint NOT NULL,
    tokens numeric(38,0) NOT NULL,
    throttled bigint NOT NULL,
    requests_peak bigint NOT NULL,
    requests_minute timestamp with time zone NOT NULL,
    tokens_peak numeric(38,0) NOT NULL,
    tokens_minute timestamp with time zone NOT NULL,
    CONSTRAINT capacity_hour_pkey PRIMARY KEY (account_id, upstream_model, hour)
);

CREATE TABLE certificate (
    certificate_id text NOT NULL,
    name text NOT NULL,
    number text NOT NULL,
    issuer text NOT NULL,
    holder text NOT NULL,
    issued_on date NOT NULL,
    expires_on date NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT certificate_pkey PRIMARY KEY (certificate_id),
    CONSTRAINT certificate_name_number_key UNIQUE (name, number),
    CONSTRAINT certificate_check CHECK ((expires_on > issued_on))
);

CREATE TABLE client_key (
    customer_id text NOT NULL,
    client_key text NOT NULL,
    body_hash bytea NOT NULL,
    operation_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT client_key_pkey PRIMARY KEY (customer_id, client_key)
);

CREATE TABLE cloud_assigned (
    statement_id text NOT NULL,
    place integer NOT NULL,
    customer_id text,
    project_id text,
    ours boolean NOT NULL,
    CONSTRAINT cloud_assigned_pkey PRIMARY KEY (statement_id, place)
);

CREATE TABLE cloud_charge (
    statement_id text NOT NULL,
    customer_id text,
    project_id text,
    ours boolean NOT NULL,
    service text NOT NULL,
    category text NOT NULL,
    currency text NOT NULL,
    row_count bigint NOT NULL,
    billed_pico numeric(38,0),
    effective_pico numeric(38,0)
);

CREATE TABLE cloud_delivery (
    delivery_id text NOT NULL,
    source text NOT NULL,
    dialect text NOT NULL,
    metric text NOT NULL,
    files jsonb NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT cloud_delivery_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT cloud_delivery_metric_check CHECK ((metric = ANY (ARRAY['both'::text, 'actual'::text, 'amortized'::text])))
);

CREATE TABLE cloud_place (
    delivery_id text NOT NULL,
    place integer NOT NULL,
    sub_account text NOT NULL,
    tags jsonb NOT NULL,
    CONSTRAINT cloud_place_pkey PRIMARY KEY (delivery_id, place)
);

CREATE TABLE cloud_row (
    delivery_id text NOT NULL,
    row_number bigint NOT NULL,
    part smallint NOT NULL,
    period character(7) NOT NULL,
    place integer NOT NULL,
    service text NOT NULL,
    category text NOT NULL,
    used_on text NOT NULL,
    description text NOT NULL,
    currency text NOT NULL,
    billed_pico numeric(38,0),
    effective_pico numeric(38,0),
    kept jsonb NOT NULL,
    CONSTRAINT cloud_row_pkey PRIMARY KEY (delivery_id, period, row_number, part)
);

CREATE TABLE cloud_rule (
    rule_id text NOT NULL,
    source text NOT NULL,
    sub_account text,
    tag_key text,
    tag_value text,
    customer_id text,
    project_id text,
    since character(7) NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT cloud_rule_pkey PRIMARY KEY (rule_id),
    CONSTRAINT cloud_rule_check CHECK (((tag_key IS NULL) = (tag_value IS NULL))),
    CONSTRAINT cloud_rule_check1 CHECK (((project_id IS NULL) OR (customer_id IS NOT NULL)))
);

CREATE TABLE cloud_source (
    source text NOT NULL,
    name text NOT NULL,
    billing_account text NOT NULL,
    tag_keys text[] NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT cloud_source_pkey PRIMARY KEY (source),
    CONSTRAINT cloud_source_source_check CHECK ((source ~ '^[a-z0-9][a-z0-9-]{0,39}$'::text))
);

CREATE TABLE cloud_statement (
    statement_id text NOT NULL,
    source text NOT NULL,
    period character(7) NOT NULL,
    revision integer NOT NULL,
    delivery_id text NOT NULL,
    digest bytea NOT NULL,
    epoch bigint NOT NULL,
    why text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT cloud_statement_pkey PRIMARY KEY (statement_id),
    CONSTRAINT cloud_statement_source_period_revision_key UNIQUE (source, period, revision),
    CONSTRAINT cloud_statement_revision_check CHECK ((revision > 0))
);

CREATE TABLE contract (
    contract_id text NOT NULL,
    version integer NOT NULL,
    customer_id text NOT NULL,
    sale_book text NOT NULL,
    currency text NOT NULL,
    zone text NOT NULL,
    fx_policy text NOT NULL,
    tax_mode text NOT NULL,
    tax_ppm integer NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    terms jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT contract_pkey PRIMARY KEY (contract_id, version),
    CONSTRAINT contract_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT contract_fx_policy_check CHECK ((fx_policy = ANY (ARRAY['none'::text, 'card'::text, 'bill'::text]))),
    CONSTRAINT contract_tax_mode_check CHECK ((tax_mode = ANY (ARRAY['inclusive'::text, 'exclusive'::text]))),
    CONSTRAINT contract_tax_ppm_check CHECK ((tax_ppm >= 0))
);

CREATE TABLE contract_book (
    book_id text NOT NULL,
    contract_id text NOT NULL,
    customer_id text NOT NULL,
    pricing jsonb NOT NULL,
    priced_at timestamp with time zone NOT NULL,
    lock_until timestamp with time zone,
    notice_days integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT contract_book_pkey PRIMARY KEY (book_id),
    CONSTRAINT contract_book_notice_days_check CHECK ((notice_days >= 0))
);

CREATE TABLE contract_draft (
    draft_id text NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    contract_id text,
    version integer,
    state text NOT NULL,
    body jsonb NOT NULL,
    drafted_by text NOT NULL,
    reviewed_by text,
    signed_by text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT contract_draft_pkey PRIMARY KEY (draft_id),
    CONSTRAINT contract_draft_check CHECK ((signed_by <> drafted_by)),
    CONSTRAINT contract_draft_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'amend'::text, 'renew'::text]))),
    CONSTRAINT contract_draft_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'reviewed'::text, 'rejected'::text, 'withdrawn'::text, 'signed'::text])))
);

CREATE TABLE contract_draft_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    draft_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT contract_draft_step_pkey PRIMARY KEY (step_id)
);

CREATE TABLE contract_end (
    end_id text NOT NULL,
    contract_id text NOT NULL,
    customer_id text NOT NULL,
    party text NOT NULL,
    asked_on date NOT NULL,
    ends_on date NOT NULL,
    currency text NOT NULL,
    fee_fen bigint NOT NULL,
    waived_fen bigint DEFAULT 0 NOT NULL,
    reasons text[] NOT NULL,
    why text NOT NULL,
    asked_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    version integer,
    rejected_by text,
    rejected_at timestamp with time zone,
    rejected_why text,
    CONSTRAINT contract_end_pkey PRIMARY KEY (end_id),
    CONSTRAINT contract_end_check CHECK (((waived_fen >= 0) AND (waived_fen <= fee_fen))),
    CONSTRAINT contract_end_check1 CHECK ((approved_by <> asked_by)),
    CONSTRAINT contract_end_check2 CHECK (((approved_by IS NULL) = (version IS NULL))),
    CONSTRAINT contract_end_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT contract_end_decided_once CHECK (((approved_by IS NULL) OR (rejected_by IS NULL))),
    CONSTRAINT contract_end_fee_fen_check CHECK ((fee_fen >= 0)),
    CONSTRAINT contract_end_party_check CHECK ((party = ANY (ARRAY['customer'::text, 'operator'::text]))),
    CONSTRAINT contract_end_rejected_whole CHECK ((((rejected_by IS NULL) = (rejected_at IS NULL)) AND ((rejected_by IS NULL) = (rejected_why IS NULL))))
);

CREATE TABLE contract_number (
    number text NOT NULL,
    customer_id text NOT NULL,
    draft_id text,
    contract_id text,
    given_at timestamp with time zone NOT NULL,
    CONSTRAINT contract_number_pkey PRIMARY KEY (number),
    CONSTRAINT contract_number_contract_id_key UNIQUE (contract_id),
    CONSTRAINT contract_number_draft_id_key UNIQUE (draft_id),
    CONSTRAINT contract_number_check CHECK (((draft_id IS NOT NULL) OR (contract_id IS NOT NULL)))
);

CREATE TABLE contract_number_last (
    year integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT contract_number_last_pkey PRIMARY KEY (year)
);

CREATE TABLE contract_paper (
    paper_id text NOT NULL,
    customer_id text NOT NULL,
    draft_id text,
    contract_id text,
    kind text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    sha256 bytea NOT NULL,
    body bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT contract_paper_pkey PRIMARY KEY (paper_id),
    CONSTRAINT contract_paper_check CHECK (((draft_id IS NOT NULL) OR (contract_id IS NOT NULL))),
    CONSTRAINT contract_paper_kind_check CHECK ((kind = ANY (ARRAY['generated'::text, 'signed'::text, 'attachment'::text])))
);

CREATE TABLE credit_note (
    credit_note_id text NOT NULL,
    number text,
    bill_id text NOT NULL,
    customer_id text NOT NULL,
    whole boolean NOT NULL,
    currency text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    why text NOT NULL,
    state text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    seal bytea,
    decided_why text DEFAULT ''::text NOT NULL,
    previous_seal bytea,
    seal_form smallint DEFAULT 1 NOT NULL,
    CONSTRAINT credit_note_pkey PRIMARY KEY (credit_note_id),
    CONSTRAINT credit_note_number_key UNIQUE (number),
    CONSTRAINT credit_note_chained CHECK (((previous_seal IS NOT NULL) = ((seal_form > 1) AND (seal IS NOT NULL)))),
    CONSTRAINT credit_note_check CHECK ((gross_fen = (net_fen + tax_fen))),
    CONSTRAINT credit_note_check1 CHECK ((decided_by IS DISTINCT FROM requested_by)),
    CONSTRAINT credit_note_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text])))
);

CREATE TABLE credit_note_line (
    credit_note_id text NOT NULL,
    line_id text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    CONSTRAINT credit_note_line_pkey PRIMARY KEY (credit_note_id, line_id)
);

CREATE TABLE credit_note_number (
    year integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT credit_note_number_pkey PRIMARY KEY (year)
);

CREATE TABLE credit_rule (
    rule_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    credit_class text NOT NULL,
    deposit_months_least integer NOT NULL,
    deposit_months_most integer NOT NULL,
    depth text NOT NULL,
    payment_days integer NOT NULL,
    payment_mode text NOT NULL,
    three_people_fen bigint NOT NULL,
    set_at timestamp with time zone NOT NULL,
    set_by text NOT NULL,
    CONSTRAINT credit_rule_pkey PRIMARY KEY (rule_id),
    CONSTRAINT credit_rule_check CHECK ((deposit_months_most >= deposit_months_least)),
    CONSTRAINT credit_rule_deposit_months_least_check CHECK ((deposit_months_least >= 0)),
    CONSTRAINT credit_rule_depth_check CHECK ((depth = ANY (ARRAY['light'::text, 'medium'::text, 'strict'::text, 'very_strict'::text]))),
    CONSTRAINT credit_rule_payment_days_check CHECK ((payment_days >= 0)),
    CONSTRAINT credit_rule_three_people_fen_check CHECK ((three_people_fen >= 0))
);

CREATE TABLE customer (
    customer_id text NOT NULL,
    slug text NOT NULL,
    legal_name text NOT NULL,
    uscc text,
    tax_address text DEFAULT ''::text NOT NULL,
    tax_phone text DEFAULT ''::text NOT NULL,
    bank_name text DEFAULT ''::text NOT NULL,
    bank_account text DEFAULT ''::text NOT NULL,
    zone text NOT NULL,
    currency text NOT NULL,
    tag_names text[] DEFAULT '{}'::text[] NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT customer_pkey PRIMARY KEY (customer_id),
    CONSTRAINT customer_slug_key UNIQUE (slug),
    CONSTRAINT customer_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT customer_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text])))
);

CREATE TABLE customer_grant (
    grant_id text NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    amount_fen bigint NOT NULL,
    paid_fen bigint NOT NULL,
    currency text NOT NULL,
    models text[] DEFAULT '{}'::text[] NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    created_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    approved_by text,
    rejected_by text,
    rejected_at timestamp with time zone,
    rejected_why text,
    why text DEFAULT ''::text NOT NULL,
    CONSTRAINT customer_grant_pkey PRIMARY KEY (grant_id),
    CONSTRAINT customer_grant_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT customer_grant_check CHECK ((ends_on > starts_on)),
    CONSTRAINT customer_grant_check1 CHECK ((approved_by <> asked_by)),
    CONSTRAINT customer_grant_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT customer_grant_decided_once CHECK (((approved_by IS NULL) OR (rejected_by IS NULL))),
    CONSTRAINT customer_grant_kind_check CHECK ((kind = ANY (ARRAY['package'::text, 'voucher'::text]))),
    CONSTRAINT customer_grant_paid_fen_check CHECK ((paid_fen >= 0)),
    CONSTRAINT customer_grant_rejected_whole CHECK ((((rejected_by IS NULL) = (rejected_at IS NULL)) AND ((rejected_by IS NULL) = (rejected_why IS NULL))))
);

CREATE TABLE customer_parent (
    customer_id text NOT NULL,
    parent_id text,
    since timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT customer_parent_pkey PRIMARY KEY (customer_id, since),
    CONSTRAINT customer_parent_check CHECK ((parent_id IS DISTINCT FROM customer_id))
);

CREATE TABLE customer_standing (
    customer_id text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    credit_step integer NOT NULL,
    episode integer NOT NULL,
    since timestamp with time zone NOT NULL,
    covered boolean DEFAULT false NOT NULL,
    CONSTRAINT customer_standing_pkey PRIMARY KEY (customer_id),
    CONSTRAINT customer_standing_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'overdue'::text, 'credit_limit'::text, 'prepayment'::text]))),
    CONSTRAINT customer_standing_state_check CHECK ((state = ANY (ARRAY['normal'::text, 'warned'::text, 'suspended'::text])))
);

CREATE TABLE deed (
    deed_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    verb text NOT NULL,
    noun text NOT NULL,
    name text NOT NULL,
    was jsonb,
    became jsonb,
    why text DEFAULT ''::text NOT NULL,
    via text DEFAULT ''::text NOT NULL,
    CONSTRAINT deed_pkey PRIMARY KEY (deed_id)
);

CREATE TABLE deletion (
    deletion_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    kind text NOT NULL,
    customer_id text,
    what text NOT NULL,
    rows bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT deletion_pkey PRIMARY KEY (deletion_id)
);

CREATE TABLE deployment (
    deployment_id text NOT NULL,
    model_id text NOT NULL,
    account_id text NOT NULL,
    upstream_model text NOT NULL,
    cost_model text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT deployment_pkey PRIMARY KEY (deployment_id),
    CONSTRAINT deployment_state_check CHECK ((state = ANY (ARRAY['active'::text, 'drained'::text]))),
    CONSTRAINT deployment_weight_check CHECK ((weight > 0))
);

CREATE TABLE deposit_slip (
    number text NOT NULL,
    customer_id text NOT NULL,
    apportionment_id text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT deposit_slip_pkey PRIMARY KEY (number),
    CONSTRAINT deposit_slip_apportionment_id_key UNIQUE (apportionment_id)
);

CREATE TABLE deposit_slip_number (
    year integer NOT NULL,
    last integer NOT NULL,
    CONSTRAINT deposit_slip_number_pkey PRIMARY KEY (year)
);

CREATE TABLE duty (
    duty_id text NOT NULL,
    person text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    is_override boolean NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT duty_pkey PRIMARY KEY (duty_id),
    CONSTRAINT duty_check CHECK ((ends_at > starts_at))
);

CREATE TABLE epoch (
    only_row boolean DEFAULT true NOT NULL,
    epoch integer NOT NULL,
    CONSTRAINT epoch_pkey PRIMARY KEY (only_row),
    CONSTRAINT epoch_only_row_check CHECK (only_row)
);

CREATE TABLE epoch_closing (
    epoch integer NOT NULL,
    closed_at timestamp with time zone NOT NULL,
    why text NOT NULL,
    offsets jsonb NOT NULL,
    CONSTRAINT epoch_closing_pkey PRIMARY KEY (epoch)
);

CREATE TABLE external_event (
    source text NOT NULL,
    external_id text NOT NULL,
    customer_id text NOT NULL,
    body_hash bytea NOT NULL,
    event_id uuid NOT NULL,
    CONSTRAINT external_event_pkey PRIMARY KEY (source, external_id)
);

CREATE TABLE fapiao (
    fapiao_id text NOT NULL,
    customer_id text NOT NULL,
    request_id text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    buyer jsonb NOT NULL,
    seller jsonb NOT NULL,
    emails text[] NOT NULL,
    mobile text NOT NULL,
    remark text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    provider text DEFAULT ''::text NOT NULL,
    number text,
    issued_at timestamp with time zone,
    delivered_at timestamp with time zone,
    why text DEFAULT ''::text NOT NULL,
    CONSTRAINT fapiao_pkey PRIMARY KEY (fapiao_id),
    CONSTRAINT fapiao_key_key UNIQUE (key),
    CONSTRAINT fapiao_number_key UNIQUE (number),
    CONSTRAINT fapiao_check CHECK (((gross_fen > 0) AND (gross_fen = (net_fen + tax_fen)))),
    CONSTRAINT fapiao_check1 CHECK ((approved_by <> requested_by)),
    CONSTRAINT fapiao_check2 CHECK (((number IS NULL) = (state = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text])))),
    CONSTRAINT fapiao_key_check CHECK ((key ~ '^[0-9A-Z]{1,20}$'::text)),
    CONSTRAINT fapiao_kind_check CHECK ((kind = ANY (ARRAY['special'::text, 'ordinary'::text]))),
    CONSTRAINT fapiao_number_check CHECK ((number ~ '^[0-9]{20}$'::text)),
    CONSTRAINT fapiao_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'issued'::text, 'rejected'::text, 'partly_reversed'::text, 'reversed'::text])))
);

CREATE TABLE fapiao_errand (
    errand_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    what text NOT NULL,
    subject_id text NOT NULL,
    key text NOT NULL,
    provider text NOT NULL,
    state text NOT NULL,
    hold text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    asked integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT fapiao_errand_pkey PRIMARY KEY (errand_id),
    CONSTRAINT fapiao_errand_hold_check CHECK ((hold = ANY (ARRAY[''::text, 'login'::text, 'identity'::text, 'limit'::text, 'busy'::text]))),
    CONSTRAINT fapiao_errand_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'done'::text, 'parked'::text]))),
    CONSTRAINT fapiao_errand_what_check CHECK ((what = ANY (ARRAY['issue'::text, 'files'::text, 'deliver'::text, 'red'::text, 'withdraw'::text, 'answer'::text])))
);

CREATE TABLE fapiao_exchange (
    exchange_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    errand_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    call text NOT NULL,
    request bytea NOT NULL,
    request_hash bytea NOT NULL,
    response bytea NOT NULL,
    response_hash bytea NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT fapiao_exchange_pkey PRIMARY KEY (exchange_id)
);

CREATE TABLE fapiao_file (
    subject_id text NOT NULL,
    customer_id text NOT NULL,
    format text NOT NULL,
    body bytea NOT NULL,
    sha256 bytea NOT NULL,
    source text NOT NULL,
    kept_at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT fapiao_file_pkey PRIMARY KEY (subject_id, format),
    CONSTRAINT fapiao_file_format_check CHECK ((format = ANY (ARRAY['xml'::text, 'ofd'::text, 'pdf'::text])))
);

CREATE TABLE fapiao_form_look (
    provider text NOT NULL,
    at timestamp with time zone NOT NULL,
    answered boolean DEFAULT false NOT NULL,
    CONSTRAINT fapiao_form_look_pkey PRIMARY KEY (provider, at)
);

CREATE TABLE fapiao_line (
    fapiao_id text NOT NULL,
    "position" integer NOT NULL,
    customer_id text NOT NULL,
    nature smallint NOT NULL,
    bill_id text NOT NULL,
    tax_position integer NOT NULL,
    code character(19) NOT NULL,
    short_name text NOT NULL,
    item text NOT NULL,
    spec text NOT NULL,
    unit text NOT NULL,
    quantity text NOT NULL,
    price text NOT NULL,
    tax_ppm integer NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    CONSTRAINT fapiao_line_pkey PRIMARY KEY (fapiao_id, "position"),
    CONSTRAINT fapiao_line_check CHECK ((gross_fen = (net_fen + tax_fen))),
    CONSTRAINT fapiao_line_nature_check CHECK ((nature = ANY (ARRAY[0, 1, 2])))
);

CREATE TABLE fapiao_red (
    red_id text NOT NULL,
    customer_id text NOT NULL,
    fapiao_id text NOT NULL,
    blue_number text NOT NULL,
    key text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    form_code text DEFAULT ''::text NOT NULL,
    form_number text DEFAULT ''::text NOT NULL,
    form_uuid text DEFAULT ''::text NOT NULL,
    whole boolean NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    applied_at timestamp with time zone,
    expires_at timestamp with time zone,
    reminded integer DEFAULT 0 NOT NULL,
    number text,
    issued_at timestamp with time zone,
    why text DEFAULT ''::text NOT NULL,
    started_by text DEFAULT 'seller'::text NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    answered_by text,
    answered_at timestamp with time zone,
    CONSTRAINT fapiao_red_pkey PRIMARY KEY (red_id),
    CONSTRAINT fapiao_red_key_key UNIQUE (key),
    CONSTRAINT fapiao_red_number_key UNIQUE (number),
    CONSTRAINT fapiao_red_answer_check CHECK ((answer = ANY (ARRAY[''::text, 'agree'::text, 'deny'::text]))),
    CONSTRAINT fapiao_red_answered_by_two CHECK ((approved_by <> answered_by)),
    CONSTRAINT fapiao_red_answered_whole CHECK ((((answer = ''::text) = (answered_by IS NULL)) AND ((answer = ''::text) = (answered_at IS NULL)))),
    CONSTRAINT fapiao_red_check CHECK (((gross_fen < 0) AND (gross_fen = (net_fen + tax_fen)))),
    CONSTRAINT fapiao_red_check1 CHECK ((approved_by <> requested_by)),
    CONSTRAINT fapiao_red_check2 CHECK (((number IS NULL) = (state <> 'issued'::text))),
    CONSTRAINT fapiao_red_key_check CHECK ((key ~ '^[0-9A-Z]{1,20}$'::text)),
    CONSTRAINT fapiao_red_number_check CHECK ((number ~ '^[0-9]{20}$'::text)),
    CONSTRAINT fapiao_red_only_buyers_are_answered CHECK (((answer = ''::text) OR (started_by = 'buyer'::text))),
    CONSTRAINT fapiao_red_reason_check CHECK ((reason = ANY (ARRAY['mistake'::text, 'return'::text, 'termination'::text, 'allowance'::text]))),
    CONSTRAINT fapiao_red_started_by_check CHECK ((started_by = ANY (ARRAY['seller'::text, 'buyer'::text]))),
    CONSTRAINT fapiao_red_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'waiting'::text, 'confirmed'::text, 'issued'::text, 'void'::text])))
);

CREATE TABLE fapiao_red_line (
    red_id text NOT NULL,
    "position" integer NOT NULL,
    fapiao_id text NOT NULL,
    blue_position integer NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    gross_fen bigint NOT NULL,
    CONSTRAINT fapiao_red_line_pkey PRIMARY KEY (red_id, "position"),
    CONSTRAINT fapiao_red_line_check CHECK ((gross_fen = (net_fen + tax_fen)))
);

CREATE TABLE fapiao_red_transition (
    red_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text DEFAULT ''::text NOT NULL
);

CREATE TABLE fapiao_seal (
    customer_id text NOT NULL,
    "position" integer NOT NULL,
    subject_id text NOT NULL,
    canonical bytea NOT NULL,
    previous bytea NOT NULL,
    seal bytea NOT NULL,
    CONSTRAINT fapiao_seal_pkey PRIMARY KEY (customer_id, "position"),
    CONSTRAINT fapiao_seal_subject_id_key UNIQUE (subject_id)
);

CREATE TABLE fapiao_title (
    title_id text NOT NULL,
    customer_id text NOT NULL,
    name text NOT NULL,
    tax_number text NOT NULL,
    natural_person boolean NOT NULL,
    address text NOT NULL,
    phone text NOT NULL,
    bank_name text NOT NULL,
    bank_account text NOT NULL,
    cnaps text NOT NULL,
    emails text[] NOT NULL,
    mobile text NOT NULL,
    is_default boolean NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT fapiao_title_pkey PRIMARY KEY (title_id),
    CONSTRAINT fapiao_title_state_check CHECK ((state = ANY (ARRAY['active'::text, 'retired'::text])))
);

CREATE TABLE fapiao_token (
    provider text NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sealed bytea NOT NULL
);

CREATE TABLE fapiao_transition (
    fapiao_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text DEFAULT ''::text NOT NULL
);

CREATE TABLE fapiao_watch (
    provider text NOT NULL,
    at timestamp with time zone NOT NULL,
    login text NOT NULL,
    identity text NOT NULL,
    total_fen bigint,
    used_fen bigint,
    available_fen bigint,
    CONSTRAINT fapiao_watch_identity_check CHECK ((identity = ANY (ARRAY['unknown'::text, 'proved'::text, 'wanted'::text]))),
    CONSTRAINT fapiao_watch_login_check CHECK ((login = ANY (ARRAY['unknown'::text, 'in'::text, 'out'::text])))
);

CREATE TABLE finance_batch (
    batch_id text NOT NULL,
    month character(7) NOT NULL,
    system text NOT NULL,
    codes text NOT NULL,
    entries integer NOT NULL,
    vouchers integer NOT NULL,
    debit_fen bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT finance_batch_pkey PRIMARY KEY (batch_id),
    CONSTRAINT finance_batch_system_check CHECK ((system = ANY (ARRAY['yonyou'::text, 'kingdee'::text])))
);

CREATE TABLE finance_batch_entry (
    entry_id bigint NOT NULL,
    batch_id text NOT NULL,
    CONSTRAINT finance_batch_entry_pkey PRIMARY KEY (entry_id)
);

CREATE TABLE fx_rate (
    fx_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    on_date date NOT NULL,
    e8 bigint NOT NULL,
    source text NOT NULL,
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT fx_rate_pkey PRIMARY KEY (fx_id),
    CONSTRAINT fx_rate_base_quote_on_date_published_at_key UNIQUE (base, quote, on_date, published_at),
    CONSTRAINT fx_rate_e8_check CHECK ((e8 > 0))
);

CREATE TABLE gateway_probe (
    minute timestamp with time zone NOT NULL,
    is_ready boolean NOT NULL,
    status smallint NOT NULL,
    why text NOT NULL,
    took_ms integer NOT NULL,
    node text NOT NULL,
    CONSTRAINT gateway_probe_pkey PRIMARY KEY (minute),
    CONSTRAINT gateway_probe_minute_check CHECK ((date_trunc('minute'::text, minute, 'UTC'::text) = minute))
);

CREATE TABLE gateway_refusal (
    customer_id text NOT NULL,
    minute timestamp with time zone NOT NULL,
    epoch bigint NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    reason text NOT NULL,
    status integer NOT NULL,
    is_ours boolean NOT NULL,
    calls bigint NOT NULL,
    CONSTRAINT gateway_refusal_pkey PRIMARY KEY (customer_id, minute, reason, key_id, model, project_id, status, epoch),
    CONSTRAINT gateway_refusal_calls_check CHECK ((calls > 0)),
    CONSTRAINT gateway_refusal_minute_check CHECK ((date_trunc('minute'::text, minute, 'UTC'::text) = minute))
);

CREATE TABLE gateway_refused_call (
    request_id uuid NOT NULL,
    customer_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    model text NOT NULL,
    reason text NOT NULL,
    status integer NOT NULL,
    about jsonb NOT NULL,
    CONSTRAINT gateway_refused_call_pkey PRIMARY KEY (request_id)
);

CREATE TABLE incident (
    incident_id text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    title_en text NOT NULL,
    impact text NOT NULL,
    models text[] NOT NULL,
    providers text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    state text NOT NULL,
    announced_by text NOT NULL,
    announced_at timestamp with time zone NOT NULL,
    CONSTRAINT incident_pkey PRIMARY KEY (incident_id),
    CONSTRAINT incident_check CHECK (((kind = 'incident'::text) OR (ends_at IS NOT NULL))),
    CONSTRAINT incident_impact_check CHECK ((impact = ANY (ARRAY['down'::text, 'degraded'::text, 'none'::text]))),
    CONSTRAINT incident_kind_check CHECK ((kind = ANY (ARRAY['incident'::text, 'maintenance'::text]))),
    CONSTRAINT incident_state_check CHECK ((state = ANY (ARRAY['investigating'::text, 'identified'::text, 'monitoring'::text, 'resolved'::text, 'planned'::text, 'under_way'::text, 'done'::text, 'cancelled'::text])))
);

CREATE TABLE incident_update (
    update_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    incident_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    state text NOT NULL,
    text text NOT NULL,
    text_en text NOT NULL,
    CONSTRAINT incident_update_pkey PRIMARY KEY (update_id)
);

CREATE TABLE invitation (
    digest bytea NOT NULL,
    member_id text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT invitation_pkey PRIMARY KEY (digest)
);

CREATE TABLE job (
    job_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    about text NOT NULL,
    asked jsonb NOT NULL,
    stood jsonb NOT NULL,
    outcome jsonb NOT NULL,
    state text NOT NULL,
    done bigint NOT NULL,
    total bigint,
    why text NOT NULL,
    made_by text NOT NULL,
    via text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    began_at timestamp with time zone,
    run_at timestamp with time zone,
    run_from bigint NOT NULL,
    runs integer NOT NULL,
    worker text NOT NULL,
    leased_until timestamp with time zone,
    cancelled_by text,
    ended_at timestamp with time zone,
    customer_id text,
    CONSTRAINT job_pkey PRIMARY KEY (job_id),
    CONSTRAINT job_check CHECK ((total >= done)),
    CONSTRAINT job_check1 CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'failed'::text, 'cancelled'::text])))),
    CONSTRAINT job_done_check CHECK ((done >= 0)),
    CONSTRAINT job_kind_check CHECK ((kind = ANY (ARRAY['try'::text, 'close'::text, 'propose'::text, 'issue'::text, 'prove'::text, 'usage'::text, 'statement'::text, 'report'::text, 'cloud'::text, 'what_if'::text, 'make_report'::text, 'cloud_trial'::text]))),
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE job_answer (
    job_id text NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT job_answer_pkey PRIMARY KEY (job_id)
);

CREATE TABLE job_file (
    job_id text NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT job_file_pkey PRIMARY KEY (job_id, "position")
);

CREATE TABLE job_piece (
    job_id text NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL,
    refers_to text NOT NULL,
    state text NOT NULL,
    said text NOT NULL,
    sums jsonb NOT NULL,
    path text NOT NULL,
    CONSTRAINT job_piece_pkey PRIMARY KEY (job_id, "position"),
    CONSTRAINT job_piece_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'failed'::text])))
);

CREATE TABLE journal (
    journal_id uuid NOT NULL,
    node text NOT NULL,
    state text NOT NULL,
    segment integer NOT NULL,
    "position" bigint NOT NULL,
    open_segment integer NOT NULL,
    open_position bigint NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    node_id uuid,
    lost_at timestamp with time zone,
    lost_bytes bigint,
    lost_calls bigint,
    CONSTRAINT journal_pkey PRIMARY KEY (journal_id),
    CONSTRAINT journal_state_check CHECK ((state = ANY (ARRAY['live'::text, 'drained'::text, 'parked'::text])))
);

CREATE TABLE known_payer (
    customer_id text NOT NULL,
    payer_number text NOT NULL,
    payer_name text NOT NULL,
    receipt_id text NOT NULL,
    learnt_at timestamp with time zone NOT NULL,
    CONSTRAINT known_payer_pkey PRIMARY KEY (customer_id, payer_number)
);

CREATE TABLE late_fee (
    bill_id text NOT NULL,
    "position" integer NOT NULL,
    customer_id text NOT NULL,
    until_on date NOT NULL,
    days integer NOT NULL,
    fen bigint NOT NULL,
    charged_at timestamp with time zone NOT NULL,
    CONSTRAINT late_fee_pkey PRIMARY KEY (bill_id, "position"),
    CONSTRAINT late_fee_fen_check CHECK ((fen <> 0))
);

CREATE TABLE ledger_balance (
    account text NOT NULL,
    party text NOT NULL,
    currency text NOT NULL,
    fen bigint NOT NULL,
    CONSTRAINT ledger_balance_pkey PRIMARY KEY (account, party, currency)
);

CREATE TABLE ledger_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    refers_to text DEFAULT ''::text NOT NULL,
    memo text DEFAULT ''::text NOT NULL,
    body_hash bytea NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ledger_entry_pkey PRIMARY KEY (entry_id),
    CONSTRAINT ledger_entry_key_key UNIQUE (key),
    CONSTRAINT ledger_entry_by_check CHECK ((by <> ''::text)),
    CONSTRAINT ledger_entry_key_check CHECK ((key <> ''::text)),
    CONSTRAINT ledger_entry_kind_check CHECK ((kind <> ''::text))
);

CREATE TABLE ledger_posting (
    entry_id bigint NOT NULL,
    "position" smallint NOT NULL,
    account text NOT NULL,
    party text NOT NULL,
    currency text NOT NULL,
    fen bigint NOT NULL,
    CONSTRAINT ledger_posting_pkey PRIMARY KEY (entry_id, "position"),
    CONSTRAINT ledger_posting_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT ledger_posting_fen_check CHECK ((fen <> 0))
);

CREATE TABLE login (
    member_id text NOT NULL,
    password text NOT NULL,
    password_at timestamp with time zone NOT NULL,
    seed bytea,
    seed_confirmed_at timestamp with time zone,
    last_step bigint NOT NULL,
    CONSTRAINT login_pkey PRIMARY KEY (member_id),
    CONSTRAINT login_check CHECK (((seed_confirmed_at IS NULL) OR (seed IS NOT NULL)))
);

CREATE TABLE login_failure (
    name text NOT NULL,
    address text NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE margin_floor (
    floor_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    ppm integer NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT margin_floor_pkey PRIMARY KEY (floor_id),
    CONSTRAINT margin_floor_ppm_check CHECK (((ppm >= 0) AND (ppm <= 999999)))
);

CREATE TABLE member (
    member_id text NOT NULL,
    customer_id text,
    name text NOT NULL,
    role text NOT NULL,
    digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT member_pkey PRIMARY KEY (member_id),
    CONSTRAINT member_digest_key UNIQUE (digest),
    CONSTRAINT member_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'finance'::text, 'sales'::text, 'support'::text, 'developer'::text, 'auditor'::text])))
);

CREATE TABLE member_token (
    token_id text NOT NULL,
    member_id text NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    scopes text[] NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT member_token_pkey PRIMARY KEY (token_id),
    CONSTRAINT member_token_digest_key UNIQUE (digest),
    CONSTRAINT member_token_scopes_check CHECK ((cardinality(scopes) > 0))
);

CREATE TABLE model (
    model_id text NOT NULL,
    mode text NOT NULL,
    owner text DEFAULT ''::text NOT NULL,
    context_window bigint,
    max_output bigint,
    capabilities text[] DEFAULT '{}'::text[] NOT NULL,
    deprecation_date date,
    replacement text,
    backup_model text,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT model_pkey PRIMARY KEY (model_id),
    CONSTRAINT model_state_check CHECK ((state = ANY (ARRAY['active'::text, 'disabled'::text])))
);

CREATE TABLE model_grade (
    grade_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    model_id text NOT NULL,
    quality text NOT NULL,
    tasks text[] NOT NULL,
    source text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT model_grade_pkey PRIMARY KEY (grade_id),
    CONSTRAINT model_grade_quality_check CHECK ((quality = ANY (ARRAY['basic'::text, 'standard'::text, 'advanced'::text]))),
    CONSTRAINT model_grade_source_check CHECK ((source <> ''::text))
);

CREATE TABLE month_close (
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    epoch integer NOT NULL,
    bill_id text,
    closed_at timestamp with time zone NOT NULL,
    CONSTRAINT month_close_pkey PRIMARY KEY (customer_id, month)
);

CREATE TABLE month_proof (
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    epoch integer NOT NULL,
    bills integer NOT NULL,
    proved_at timestamp with time zone NOT NULL,
    CONSTRAINT month_proof_pkey PRIMARY KEY (customer_id, month, epoch)
);

CREATE TABLE node (
    node_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    version text NOT NULL,
    knows integer NOT NULL,
    workers integer NOT NULL,
    tail_bytes bigint NOT NULL,
    tail_calls bigint,
    skew_ms bigint NOT NULL,
    snapshot_revision bigint NOT NULL,
    snapshot_at timestamp with time zone,
    joined_at timestamp with time zone NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT node_pkey PRIMARY KEY (node_id),
    CONSTRAINT node_state_check CHECK ((state = ANY (ARRAY['serving'::text, 'draining'::text, 'left'::text, 'lost'::text])))
);

CREATE TABLE notice (
    notice_id text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    audience text NOT NULL,
    customer_id text,
    facts jsonb NOT NULL,
    only_channel text,
    at timestamp with time zone NOT NULL,
    handed_on_at timestamp with time zone,
    channels integer,
    CONSTRAINT notice_pkey PRIMARY KEY (notice_id),
    CONSTRAINT notice_key_key UNIQUE (key),
    CONSTRAINT notice_audience_check CHECK ((audience = ANY (ARRAY['customer'::text, 'operator'::text]))),
    CONSTRAINT notice_check CHECK (((audience = 'operator'::text) OR (customer_id IS NOT NULL))),
    CONSTRAINT notice_key_check CHECK ((key <> ''::text))
);

CREATE TABLE notice_attachment (
    notice_id text NOT NULL,
    "position" smallint NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT notice_attachment_pkey PRIMARY KEY (notice_id, "position")
);

CREATE TABLE notice_attempt (
    message_id text NOT NULL,
    number integer NOT NULL,
    bucket text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    CONSTRAINT notice_attempt_pkey PRIMARY KEY (message_id, number)
);

CREATE TABLE notice_channel (
    channel_id text NOT NULL,
    contact_id text NOT NULL,
    customer_id text,
    kind text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    hint text NOT NULL,
    sealed bytea NOT NULL,
    bucket text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT notice_channel_pkey PRIMARY KEY (channel_id),
    CONSTRAINT notice_channel_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'wecom'::text, 'dingtalk'::text, 'feishu'::text, 'aliyun_sms'::text, 'tencent_sms'::text, 'webhook'::text])))
);

CREATE TABLE notice_contact (
    contact_id text NOT NULL,
    customer_id text,
    name text NOT NULL,
    language text NOT NULL,
    zone text NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT notice_contact_pkey PRIMARY KEY (contact_id),
    CONSTRAINT notice_contact_check CHECK (((quiet_from IS NULL) = (quiet_until IS NULL))),
    CONSTRAINT notice_contact_language_check CHECK ((language = ANY (ARRAY['zh-CN'::text, 'en'::text]))),
    CONSTRAINT notice_contact_name_check CHECK ((name <> ''::text))
);

CREATE TABLE notice_copy (
    notice_id text NOT NULL,
    channel_id text NOT NULL,
    ready_at timestamp with time zone NOT NULL,
    message_id text,
    CONSTRAINT notice_copy_pkey PRIMARY KEY (notice_id, channel_id)
);

CREATE TABLE notice_message (
    message_id text NOT NULL,
    channel_id text NOT NULL,
    customer_id text,
    channel_kind text NOT NULL,
    hint text NOT NULL,
    bucket text NOT NULL,
    urgent boolean NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    formed_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    forgiven integer DEFAULT 0 NOT NULL,
    CONSTRAINT notice_message_pkey PRIMARY KEY (message_id),
    CONSTRAINT notice_message_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'dead'::text, 'dropped'::text])))
);

CREATE TABLE notice_outcome (
    message_id text NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    result text NOT NULL,
    code text NOT NULL,
    said text NOT NULL,
    CONSTRAINT notice_outcome_pkey PRIMARY KEY (message_id, number),
    CONSTRAINT notice_outcome_result_check CHECK ((result = ANY (ARRAY['sent'::text, 'retry'::text, 'refused'::text])))
);

CREATE TABLE notice_rest (
    bucket text NOT NULL,
    until timestamp with time zone NOT NULL,
    why text NOT NULL,
    CONSTRAINT notice_rest_pkey PRIMARY KEY (bucket)
);

CREATE TABLE notice_sender (
    kind text NOT NULL,
    settings jsonb NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT notice_sender_pkey PRIMARY KEY (kind),
    CONSTRAINT notice_sender_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'aliyun_sms'::text, 'tencent_sms'::text])))
);

CREATE TABLE open_call (
    journal_id uuid NOT NULL,
    event_id uuid NOT NULL,
    begun bytea NOT NULL,
    CONSTRAINT open_call_pkey PRIMARY KEY (journal_id, event_id)
);

CREATE TABLE payer_authorisation (
    authorisation_id text NOT NULL,
    customer_id text NOT NULL,
    payer_name text NOT NULL,
    payer_number text NOT NULL,
    document_name text NOT NULL,
    document_sha256 bytea NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    filed_by text NOT NULL,
    filed_at timestamp with time zone NOT NULL,
    CONSTRAINT payer_authorisation_pkey PRIMARY KEY (authorisation_id)
);

CREATE TABLE preservation (
    preservation_id text NOT NULL,
    customer_id text NOT NULL,
    first_month character(7) NOT NULL,
    last_month character(7),
    why text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    lifted_by text,
    lifted_at timestamp with time zone,
    lifted_why text DEFAULT ''::text NOT NULL,
    CONSTRAINT preservation_pkey PRIMARY KEY (preservation_id),
    CONSTRAINT preservation_check CHECK (((last_month IS NULL) OR (last_month >= first_month))),
    CONSTRAINT preservation_check1 CHECK (((lifted_at IS NULL) = (lifted_by IS NULL))),
    CONSTRAINT preservation_why_check CHECK ((why <> ''::text))
);

CREATE TABLE price_change (
    change_id text NOT NULL,
    book_id text NOT NULL,
    starts_at timestamp with time zone,
    source text NOT NULL,
    lists jsonb NOT NULL,
    stands jsonb NOT NULL,
    remarks jsonb NOT NULL,
    body_hash bytea NOT NULL,
    why text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    state text DEFAULT 'asked'::text NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    decided_why text DEFAULT ''::text NOT NULL,
    revision integer,
    CONSTRAINT price_change_pkey PRIMARY KEY (change_id),
    CONSTRAINT price_change_check CHECK (((state = 'asked'::text) = (decided_by IS NULL))),
    CONSTRAINT price_change_check1 CHECK (((state = 'asked'::text) = (decided_at IS NULL))),
    CONSTRAINT price_change_check2 CHECK (((state = 'approved'::text) = (revision IS NOT NULL))),
    CONSTRAINT price_change_check3 CHECK (((state <> ALL (ARRAY['approved'::text, 'rejected'::text])) OR (decided_by <> asked_by))),
    CONSTRAINT price_change_check4 CHECK (((state <> 'withdrawn'::text) OR (decided_by = asked_by))),
    CONSTRAINT price_change_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'approved'::text, 'rejected'::text, 'withdrawn'::text])))
);

CREATE TABLE project (
    project_id text NOT NULL,
    customer_id text NOT NULL,
    parent_id text,
    name text NOT NULL,
    department text DEFAULT ''::text NOT NULL,
    environment text DEFAULT ''::text NOT NULL,
    allowed_providers text[],
    allowed_regions text[],
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT project_pkey PRIMARY KEY (project_id),
    CONSTRAINT project_customer_id_name_key UNIQUE (customer_id, name)
);

CREATE TABLE proposal (
    proposal_id text NOT NULL,
    prospect_id text NOT NULL,
    version integer NOT NULL,
    quote_id text NOT NULL,
    quote_digest text NOT NULL,
    template text NOT NULL,
    language text NOT NULL,
    valid_until date NOT NULL,
    docx bytea NOT NULL,
    docx_sha256 text NOT NULL,
    pdf bytea NOT NULL,
    pdf_sha256 text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    printed text,
    CONSTRAINT proposal_pkey PRIMARY KEY (proposal_id),
    CONSTRAINT proposal_prospect_id_version_key UNIQUE (prospect_id, version),
    CONSTRAINT proposal_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text]))),
    CONSTRAINT proposal_template_check CHECK ((template = ANY (ARRAY['general'::text, 'fintech'::text, 'ecommerce'::text]))),
    CONSTRAINT proposal_version_check CHECK ((version > 0))
);

CREATE TABLE prospect (
    prospect_id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT prospect_pkey PRIMARY KEY (prospect_id),
    CONSTRAINT prospect_slug_key UNIQUE (slug),
    CONSTRAINT prospect_name_check CHECK ((name <> ''::text)),
    CONSTRAINT prospect_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
);

CREATE TABLE prospect_form (
    prospect_id text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    digest text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT prospect_form_pkey PRIMARY KEY (prospect_id, version),
    CONSTRAINT prospect_form_version_check CHECK ((version > 0))
);

CREATE TABLE prospect_usage (
    import_id text NOT NULL,
    prospect_id text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    row_count bigint NOT NULL,
    rejected bigint NOT NULL,
    zone text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT prospect_usage_pkey PRIMARY KEY (import_id)
);

CREATE TABLE prospect_usage_cell (
    import_id text NOT NULL,
    month text NOT NULL,
    started_us bigint NOT NULL,
    project text NOT NULL,
    model text NOT NULL,
    service_tier text NOT NULL,
    context_tokens bigint NOT NULL,
    meter text NOT NULL,
    quantity numeric(38,0) NOT NULL,
    first_line bigint,
    last_line bigint
);

CREATE TABLE protection (
    protection_id text NOT NULL,
    policy_id text NOT NULL,
    finding_id text NOT NULL,
    customer_id text NOT NULL,
    allowance_id text NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    CONSTRAINT protection_pkey PRIMARY KEY (protection_id),
    CONSTRAINT protection_policy_id_finding_id_key UNIQUE (policy_id, finding_id),
    CONSTRAINT protection_action_check CHECK ((action = ANY (ARRAY['throttle'::text, 'pause'::text, 'approval'::text]))),
    CONSTRAINT protection_state_check CHECK ((state = ANY (ARRAY['acting'::text, 'released'::text])))
);

CREATE TABLE protection_policy (
    policy_id text NOT NULL,
    customer_id text NOT NULL,
    project_id text,
    key_id text,
    action text NOT NULL,
    per_minute integer,
    until text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT protection_policy_pkey PRIMARY KEY (policy_id),
    CONSTRAINT protection_policy_action_check CHECK ((action = ANY (ARRAY['throttle'::text, 'pause'::text, 'approval'::text]))),
    CONSTRAINT protection_policy_check CHECK (((action = 'throttle'::text) = (per_minute IS NOT NULL))),
    CONSTRAINT protection_policy_check1 CHECK (((action <> 'approval'::text) OR (until = 'person'::text))),
    CONSTRAINT protection_policy_per_minute_check CHECK ((per_minute > 0)),
    CONSTRAINT protection_policy_until_check CHECK ((until = ANY (ARRAY['finding'::text, 'person'::text])))
);

CREATE TABLE protection_transition (
    transition_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    protection_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT protection_transition_pkey PRIMARY KEY (transition_id)
);

CREATE TABLE provider_account (
    account_id text NOT NULL,
    provider text NOT NULL,
    platform text NOT NULL,
    base_url text NOT NULL,
    region text NOT NULL,
    credential bytea NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT provider_account_pkey PRIMARY KEY (account_id),
    CONSTRAINT provider_account_state_check CHECK ((state = ANY (ARRAY['active'::text, 'drained'::text])))
);

CREATE TABLE provider_balance (
    account_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    balance_fen bigint NOT NULL,
    currency text NOT NULL,
    by text NOT NULL,
    CONSTRAINT provider_balance_pkey PRIMARY KEY (account_id, at),
    CONSTRAINT provider_balance_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text])))
);

CREATE TABLE provider_bill (
    provider_bill_id text NOT NULL,
    account_id text NOT NULL,
    number text NOT NULL,
    month character(7) NOT NULL,
    currency text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    billed_on date NOT NULL,
    due_on date NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT provider_bill_pkey PRIMARY KEY (provider_bill_id),
    CONSTRAINT provider_bill_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_bill_net_fen_check CHECK ((net_fen >= 0)),
    CONSTRAINT provider_bill_tax_fen_check CHECK ((tax_fen >= 0))
);

CREATE TABLE provider_bill_void (
    provider_bill_id text NOT NULL,
    why text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT provider_bill_void_pkey PRIMARY KEY (provider_bill_id),
    CONSTRAINT provider_bill_void_why_check CHECK ((why <> ''::text))
);

CREATE TABLE provider_ceiling (
    ceiling_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    account_id text NOT NULL,
    upstream_model text NOT NULL,
    rpm bigint,
    tpm bigint,
    note text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT provider_ceiling_pkey PRIMARY KEY (ceiling_id),
    CONSTRAINT provider_ceiling_rpm_check CHECK ((rpm > 0)),
    CONSTRAINT provider_ceiling_tpm_check CHECK ((tpm > 0))
);

CREATE TABLE provider_credit (
    provider_credit_id text NOT NULL,
    provider_bill_id text NOT NULL,
    account_id text NOT NULL,
    number text NOT NULL,
    currency text NOT NULL,
    net_fen bigint NOT NULL,
    tax_fen bigint NOT NULL,
    bill_fen bigint NOT NULL,
    credited_on date NOT NULL,
    why text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT provider_credit_pkey PRIMARY KEY (provider_credit_id),
    CONSTRAINT provider_credit_check CHECK (((bill_fen >= 0) AND (bill_fen <= (net_fen + tax_fen)) AND ((net_fen + tax_fen) > 0))),
    CONSTRAINT provider_credit_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_credit_net_fen_check CHECK ((net_fen >= 0)),
    CONSTRAINT provider_credit_tax_fen_check CHECK ((tax_fen >= 0)),
    CONSTRAINT provider_credit_why_check CHECK ((why <> ''::text))
);

CREATE TABLE provider_credit_void (
    provider_credit_id text NOT NULL,
    why text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT provider_credit_void_pkey PRIMARY KEY (provider_credit_id),
    CONSTRAINT provider_credit_void_why_check CHECK ((why <> ''::text))
);

CREATE TABLE provider_payment (
    payment_id text NOT NULL,
    account_id text NOT NULL,
    provider_bill_id text,
    purpose text NOT NULL,
    currency text NOT NULL,
    fen bigint NOT NULL,
    state text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    bank text DEFAULT ''::text NOT NULL,
    bank_reference text DEFAULT ''::text NOT NULL,
    paid_currency text,
    paid_fen bigint,
    charges_fen bigint DEFAULT 0 NOT NULL,
    paid_at timestamp with time zone,
    CONSTRAINT provider_payment_pkey PRIMARY KEY (payment_id),
    CONSTRAINT provider_payment_charges_fen_check CHECK ((charges_fen >= 0)),
    CONSTRAINT provider_payment_check CHECK (((state <> ALL (ARRAY['approved'::text, 'paid'::text])) OR (decided_by <> requested_by))),
    CONSTRAINT provider_payment_check1 CHECK (((state <> 'paid'::text) OR ((paid_at IS NOT NULL) AND (paid_fen >= charges_fen)))),
    CONSTRAINT provider_payment_check2 CHECK (((purpose = ANY (ARRAY['top_up'::text, 'refund'::text])) = (provider_bill_id IS NULL))),
    CONSTRAINT provider_payment_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_payment_fen_check CHECK ((fen > 0)),
    CONSTRAINT provider_payment_paid_currency_check CHECK ((paid_currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_payment_paid_fen_check CHECK ((paid_fen >= 0)),
    CONSTRAINT provider_payment_purpose_check CHECK ((purpose = ANY (ARRAY['bill'::text, 'top_up'::text, 'draw'::text, 'refund'::text]))),
    CONSTRAINT provider_payment_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text, 'paid'::text])))
);

CREATE TABLE provider_payment_transition (
    payment_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    step text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text DEFAULT ''::text NOT NULL
);

CREATE TABLE provider_report (
    report_id text NOT NULL,
    account_id text NOT NULL,
    month character(7) NOT NULL,
    source text NOT NULL,
    says text NOT NULL,
    zone text NOT NULL,
    currency text NOT NULL,
    meters text[] NOT NULL,
    folds jsonb NOT NULL,
    grain_pico bigint NOT NULL,
    file_name text NOT NULL,
    sha256 text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    by text NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    reading text DEFAULT ''::text NOT NULL,
    covers date[],
    CONSTRAINT provider_report_pkey PRIMARY KEY (report_id),
    CONSTRAINT provider_report_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_report_grain_pico_check CHECK ((grain_pico > 0)),
    CONSTRAINT provider_report_says_check CHECK ((says = ANY (ARRAY['usage'::text, 'cost'::text, 'both'::text])))
);

CREATE TABLE provider_report_line (
    report_id text NOT NULL,
    "position" integer NOT NULL,
    line integer NOT NULL,
    day date NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    quantity numeric(38,0),
    cost_pico numeric(38,0),
    note text NOT NULL,
    CONSTRAINT provider_report_line_pkey PRIMARY KEY (report_id, "position")
);

CREATE TABLE provider_terms (
    terms_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    account_id text NOT NULL,
    currency text NOT NULL,
    prepaid boolean NOT NULL,
    low_fen bigint NOT NULL,
    low_days integer NOT NULL,
    monthly_ceiling_fen bigint,
    credential_expires_on date,
    net_days integer NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT provider_terms_pkey PRIMARY KEY (terms_id),
    CONSTRAINT provider_terms_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT provider_terms_low_days_check CHECK ((low_days >= 0)),
    CONSTRAINT provider_terms_low_fen_check CHECK ((low_fen >= 0)),
    CONSTRAINT provider_terms_monthly_ceiling_fen_check CHECK ((monthly_ceiling_fen > 0)),
    CONSTRAINT provider_terms_net_days_check CHECK ((net_days >= 0))
);

CREATE TABLE quote (
    quote_id text NOT NULL,
    prospect_id text NOT NULL,
    version integer NOT NULL,
    form_version integer NOT NULL,
    import_id text,
    state text NOT NULL,
    body text NOT NULL,
    digest text NOT NULL,
    valid_until date NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT quote_pkey PRIMARY KEY (quote_id),
    CONSTRAINT quote_prospect_id_version_key UNIQUE (prospect_id, version),
    CONSTRAINT quote_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'ready'::text, 'rejected'::text, 'offered'::text, 'accepted'::text, 'withdrawn'::text]))),
    CONSTRAINT quote_version_check CHECK ((version > 0))
);

CREATE TABLE quote_transition (
    transition_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    quote_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT quote_transition_pkey PRIMARY KEY (transition_id)
);

CREATE TABLE rate (
    rate_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    book_id text NOT NULL,
    revision integer NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    pico bigint NOT NULL,
    currency text NOT NULL,
    service_tier text DEFAULT 'default'::text NOT NULL,
    context_above bigint DEFAULT 0 NOT NULL,
    time_window text DEFAULT ''::text NOT NULL,
    list_rate bigint,
    origin text DEFAULT 'book'::text NOT NULL,
    CONSTRAINT rate_pkey PRIMARY KEY (rate_id),
    CONSTRAINT rate_book_id_revision_model_meter_service_tier_context_abov_key UNIQUE (book_id, revision, model, meter, service_tier, context_above, time_window),
    CONSTRAINT rate_pico_check CHECK ((pico >= 0))
);

CREATE TABLE receipt (
    receipt_id text NOT NULL,
    line_id text NOT NULL,
    account_id text NOT NULL,
    currency text NOT NULL,
    amount_fen bigint NOT NULL,
    received_on date NOT NULL,
    payer_name text NOT NULL,
    payer_number text NOT NULL,
    payer_bank text NOT NULL,
    into_number text NOT NULL,
    memo text NOT NULL,
    customer_id text,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT receipt_pkey PRIMARY KEY (receipt_id),
    CONSTRAINT receipt_line_id_key UNIQUE (line_id),
    CONSTRAINT receipt_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT receipt_state_check CHECK ((state = ANY (ARRAY['received'::text, 'proposed'::text, 'suspended'::text, 'held'::text, 'apportioned'::text, 'returned'::text])))
);

CREATE TABLE receipt_candidate (
    receipt_id text NOT NULL,
    rank integer NOT NULL,
    customer_id text NOT NULL,
    score integer NOT NULL,
    reasons text[] NOT NULL,
    judged_at timestamp with time zone NOT NULL,
    CONSTRAINT receipt_candidate_pkey PRIMARY KEY (receipt_id, rank)
);

CREATE TABLE receipt_claim (
    claim_id text NOT NULL,
    customer_id text NOT NULL,
    payer_name text NOT NULL,
    payer_number text NOT NULL,
    amount_fen bigint NOT NULL,
    paid_on date NOT NULL,
    bill_numbers text[] NOT NULL,
    document text NOT NULL,
    receipt_id text,
    state text NOT NULL,
    claimed_by text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    answer text DEFAULT ''::text NOT NULL,
    CONSTRAINT receipt_claim_pkey PRIMARY KEY (claim_id),
    CONSTRAINT receipt_claim_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT receipt_claim_check CHECK ((decided_by IS DISTINCT FROM claimed_by)),
    CONSTRAINT receipt_claim_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'rejected'::text])))
);

CREATE TABLE receipt_transition (
    receipt_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL
);

CREATE TABLE reconciliation (
    reconciliation_id text NOT NULL,
    account_id text NOT NULL,
    month character(7) NOT NULL,
    currency text NOT NULL,
    report_ids text[] NOT NULL,
    ours_pico numeric(38,0) NOT NULL,
    theirs_pico numeric(38,0) NOT NULL,
    explained_pico numeric(38,0) NOT NULL,
    unexplained_pico numeric(38,0) NOT NULL,
    cells integer NOT NULL,
    passes boolean NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    CONSTRAINT reconciliation_pkey PRIMARY KEY (reconciliation_id)
);

CREATE TABLE reconciliation_difference (
    reconciliation_id text NOT NULL,
    "position" integer NOT NULL,
    day date NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    cause text NOT NULL,
    quantity numeric(38,0) NOT NULL,
    pico numeric(38,0) NOT NULL,
    why text NOT NULL,
    CONSTRAINT reconciliation_difference_pkey PRIMARY KEY (reconciliation_id, "position")
);

CREATE TABLE refund (
    refund_id text NOT NULL,
    receipt_id text NOT NULL,
    source text NOT NULL,
    customer_id text,
    account_id text NOT NULL,
    currency text NOT NULL,
    amount_fen bigint NOT NULL,
    to_name text NOT NULL,
    to_number text NOT NULL,
    why text NOT NULL,
    state text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    line_id text,
    paid_on date,
    CONSTRAINT refund_pkey PRIMARY KEY (refund_id),
    CONSTRAINT refund_line_id_key UNIQUE (line_id),
    CONSTRAINT refund_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT refund_check CHECK ((decided_by IS DISTINCT FROM requested_by)),
    CONSTRAINT refund_check1 CHECK (((source = 'receipt'::text) OR (customer_id IS NOT NULL))),
    CONSTRAINT refund_source_check CHECK ((source = ANY (ARRAY['receipt'::text, 'prepayment'::text, 'deposit'::text]))),
    CONSTRAINT refund_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text, 'paid'::text, 'failed'::text])))
);

CREATE TABLE refund_transition (
    refund_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL
);

CREATE TABLE report (
    report_id text NOT NULL,
    customer_id text,
    name text NOT NULL,
    spec jsonb NOT NULL,
    recipients text[] NOT NULL,
    schedule jsonb,
    zone text NOT NULL,
    next_at timestamp with time zone,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT report_pkey PRIMARY KEY (report_id),
    CONSTRAINT report_check CHECK (((next_at IS NULL) OR ((schedule IS NOT NULL) AND (ended_at IS NULL)))),
    CONSTRAINT report_name_check CHECK ((name <> ''::text))
);

CREATE TABLE report_run (
    run_id text NOT NULL,
    report_id text NOT NULL,
    customer_id text,
    due_at timestamp with time zone,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by text NOT NULL,
    rows integer NOT NULL,
    sha256 bytea NOT NULL,
    sent integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT report_run_pkey PRIMARY KEY (run_id),
    CONSTRAINT report_run_report_id_due_at_key UNIQUE (report_id, due_at)
);

CREATE TABLE reprieve (
    customer_id text NOT NULL,
    until_on date NOT NULL,
    why text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE response_clock (
    clock_id text NOT NULL,
    ticket_id text NOT NULL,
    customer_id text NOT NULL,
    is_first boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    warned_at timestamp with time zone,
    stopped_at timestamp with time zone,
    CONSTRAINT response_clock_pkey PRIMARY KEY (clock_id),
    CONSTRAINT response_clock_check CHECK ((due_at > started_at))
);

CREATE TABLE response_miss (
    clock_id text NOT NULL,
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    is_first boolean NOT NULL,
    due_at timestamp with time zone NOT NULL,
    noted_at timestamp with time zone NOT NULL,
    epoch integer NOT NULL,
    CONSTRAINT response_miss_pkey PRIMARY KEY (clock_id)
);

CREATE TABLE restoration (
    restoration_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    restored_at timestamp with time zone NOT NULL,
    reached timestamp with time zone,
    backup text NOT NULL,
    is_alone boolean NOT NULL,
    by text NOT NULL,
    reopened_at timestamp with time zone,
    reopened_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT restoration_pkey PRIMARY KEY (restoration_id)
);

CREATE TABLE retention_term (
    term_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    kind text NOT NULL,
    customer_id text,
    months integer NOT NULL,
    why text NOT NULL,
    set_by text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT retention_term_pkey PRIMARY KEY (term_id),
    CONSTRAINT retention_term_months_check CHECK ((months > 0)),
    CONSTRAINT retention_term_why_check CHECK ((why <> ''::text))
);

CREATE TABLE session (
    session_id text NOT NULL,
    digest bytea NOT NULL,
    member_id text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    address text NOT NULL,
    agent text NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (session_id),
    CONSTRAINT session_digest_key UNIQUE (digest)
);

CREATE TABLE share_rule (
    rule_id text NOT NULL,
    customer_id text NOT NULL,
    what text NOT NULL,
    method text NOT NULL,
    weights jsonb NOT NULL,
    since character(7) NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT share_rule_pkey PRIMARY KEY (rule_id),
    CONSTRAINT share_rule_method_check CHECK ((method = ANY (ARRAY['equal'::text, 'proportional'::text, 'custom'::text])))
);

CREATE TABLE signing (
    signing_id text NOT NULL,
    customer_id text NOT NULL,
    draft_id text NOT NULL,
    paper_id text NOT NULL,
    platform text NOT NULL,
    state text NOT NULL,
    signer jsonb NOT NULL,
    task text DEFAULT ''::text NOT NULL,
    url text DEFAULT ''::text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT signing_pkey PRIMARY KEY (signing_id),
    CONSTRAINT signing_platform_check CHECK ((platform = ANY (ARRAY['esign'::text, 'fadada'::text]))),
    CONSTRAINT signing_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'starting'::text, 'running'::text, 'completed'::text, 'refused'::text, 'failed'::text])))
);

CREATE TABLE signing_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    signing_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    why text DEFAULT ''::text NOT NULL,
    CONSTRAINT signing_step_pkey PRIMARY KEY (step_id)
);

CREATE TABLE snapshot_revision (
    only_row boolean DEFAULT true NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT snapshot_revision_pkey PRIMARY KEY (only_row),
    CONSTRAINT snapshot_revision_only_row_check CHECK (only_row)
);

CREATE TABLE sso_attempt (
    digest bytea NOT NULL,
    provider_id text NOT NULL,
    browser bytea NOT NULL,
    nonce text NOT NULL,
    verifier bytea NOT NULL,
    back text NOT NULL,
    address text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sso_attempt_pkey PRIMARY KEY (digest)
);

CREATE TABLE sso_person (
    member_id text NOT NULL,
    email text NOT NULL,
    provider_id text,
    subject text,
    bound_at timestamp with time zone,
    CONSTRAINT sso_person_pkey PRIMARY KEY (member_id),
    CONSTRAINT sso_person_check CHECK ((((subject IS NULL) = (provider_id IS NULL)) AND ((subject IS NULL) = (bound_at IS NULL)))),
    CONSTRAINT sso_person_email_check CHECK ((email = lower(email)))
);

CREATE TABLE sso_provider (
    provider_id text NOT NULL,
    customer_id text,
    label text NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    sealed bytea NOT NULL,
    domains text[] NOT NULL,
    only_sso boolean NOT NULL,
    groups jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT sso_provider_pkey PRIMARY KEY (provider_id),
    CONSTRAINT sso_provider_domains_check CHECK ((cardinality(domains) > 0))
);

CREATE TABLE standing_transition (
    customer_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL
);

CREATE TABLE statement_file (
    file_id text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    format text NOT NULL,
    sha256 bytea NOT NULL,
    lines integer NOT NULL,
    repeated integer NOT NULL,
    opening_fen bigint,
    closing_fen bigint,
    imported_by text NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT statement_file_pkey PRIMARY KEY (file_id),
    CONSTRAINT statement_file_account_id_sha256_key UNIQUE (account_id, sha256)
);

CREATE TABLE statement_line (
    line_id text NOT NULL,
    file_id text NOT NULL,
    account_id text NOT NULL,
    row_number integer NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    booked_on date NOT NULL,
    booked_time text NOT NULL,
    direction text NOT NULL,
    amount_fen bigint NOT NULL,
    balance_fen bigint,
    serial text NOT NULL,
    identity text NOT NULL,
    payer_name text NOT NULL,
    payer_number text NOT NULL,
    payer_bank text NOT NULL,
    into_number text NOT NULL,
    memo text NOT NULL,
    CONSTRAINT statement_line_pkey PRIMARY KEY (line_id),
    CONSTRAINT statement_line_account_id_identity_key UNIQUE (account_id, identity),
    CONSTRAINT statement_line_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT statement_line_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text])))
);

CREATE TABLE temporary_limit (
    limit_id text NOT NULL,
    customer_id text NOT NULL,
    limit_fen bigint NOT NULL,
    currency text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    why text NOT NULL,
    asked_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    approved_by text,
    rejected_by text,
    rejected_at timestamp with time zone,
    rejected_why text,
    ended_by text,
    ended_at timestamp with time zone,
    ended_why text,
    CONSTRAINT temporary_limit_pkey PRIMARY KEY (limit_id),
    CONSTRAINT temporary_limit_check CHECK ((ends_at > starts_at)),
    CONSTRAINT temporary_limit_check1 CHECK ((approved_by <> asked_by)),
    CONSTRAINT temporary_limit_currency_check CHECK ((currency = ANY (ARRAY['CNY'::text, 'USD'::text]))),
    CONSTRAINT temporary_limit_decided_once CHECK (((approved_by IS NULL) OR (rejected_by IS NULL))),
    CONSTRAINT temporary_limit_ended_approved CHECK (((ended_by IS NULL) OR (approved_by IS NOT NULL))),
    CONSTRAINT temporary_limit_ended_whole CHECK ((((ended_by IS NULL) = (ended_at IS NULL)) AND ((ended_by IS NULL) = (ended_why IS NULL)))),
    CONSTRAINT temporary_limit_limit_fen_check CHECK ((limit_fen > 0)),
    CONSTRAINT temporary_limit_rejected_whole CHECK ((((rejected_by IS NULL) = (rejected_at IS NULL)) AND ((rejected_by IS NULL) = (rejected_why IS NULL))))
);

CREATE TABLE ticket (
    ticket_id text NOT NULL,
    customer_id text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    subject text NOT NULL,
    request_id uuid,
    bill_id text,
    line_position integer,
    state text NOT NULL,
    state_at timestamp with time zone NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT ticket_pkey PRIMARY KEY (ticket_id),
    CONSTRAINT ticket_check CHECK (((line_position IS NULL) OR (bill_id IS NOT NULL))),
    CONSTRAINT ticket_check1 CHECK (((request_id IS NULL) OR (bill_id IS NULL))),
    CONSTRAINT ticket_kind_check CHECK ((kind = ANY (ARRAY['problem'::text, 'billing'::text, 'question'::text, 'review'::text]))),
    CONSTRAINT ticket_severity_check CHECK ((severity = ANY (ARRAY['s1'::text, 's2'::text, 's3'::text, 's4'::text]))),
    CONSTRAINT ticket_state_check CHECK ((state = ANY (ARRAY['open'::text, 'answered'::text, 'waiting'::text, 'resolved'::text, 'closed'::text, 'reopened'::text])))
);

CREATE TABLE ticket_file (
    file_id text NOT NULL,
    message_id text NOT NULL,
    name text NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT ticket_file_pkey PRIMARY KEY (file_id)
);

CREATE TABLE ticket_message (
    message_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    ticket_id text NOT NULL,
    side text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL,
    text text NOT NULL,
    CONSTRAINT ticket_message_pkey PRIMARY KEY (message_id),
    CONSTRAINT ticket_message_side_check CHECK ((side = ANY (ARRAY['customer'::text, 'operator'::text])))
);

CREATE TABLE ticket_transition (
    transition_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    ticket_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    was text NOT NULL,
    became text NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    CONSTRAINT ticket_transition_pkey PRIMARY KEY (transition_id)
);

CREATE TABLE trial (
    trial_id text NOT NULL,
    request_id text,
    customer_id text NOT NULL,
    contract_id text NOT NULL,
    book_id text NOT NULL,
    project text NOT NULL,
    models text[] NOT NULL,
    days integer NOT NULL,
    tokens bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    granted_by text NOT NULL,
    key_id text,
    CONSTRAINT trial_pkey PRIMARY KEY (trial_id),
    CONSTRAINT trial_customer_id_key UNIQUE (customer_id),
    CONSTRAINT trial_request_id_key UNIQUE (request_id),
    CONSTRAINT trial_check CHECK ((ends_at > starts_at)),
    CONSTRAINT trial_days_check CHECK (((days >= 7) AND (days <= 14))),
    CONSTRAINT trial_tokens_check CHECK ((tokens > 0))
);

CREATE TABLE trial_cost (
    trial_id text NOT NULL,
    month character(7) NOT NULL,
    currency text NOT NULL,
    sequence integer NOT NULL,
    fen bigint NOT NULL,
    booked_at timestamp with time zone NOT NULL,
    CONSTRAINT trial_cost_pkey PRIMARY KEY (trial_id, month, currency, sequence),
    CONSTRAINT trial_cost_sequence_check CHECK ((sequence > 0))
);

CREATE TABLE trial_policy (
    revision integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    sale_book text NOT NULL,
    fx_policy text NOT NULL,
    models text[] NOT NULL,
    days_most integer NOT NULL,
    tokens_most bigint NOT NULL,
    by_rule boolean NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT trial_policy_pkey PRIMARY KEY (revision),
    CONSTRAINT trial_policy_days_most_check CHECK (((days_most >= 7) AND (days_most <= 14))),
    CONSTRAINT trial_policy_fx_policy_check CHECK ((fx_policy = ANY (ARRAY['none'::text, 'card'::text]))),
    CONSTRAINT trial_policy_models_check CHECK ((cardinality(models) > 0)),
    CONSTRAINT trial_policy_tokens_most_check CHECK ((tokens_most > 0))
);

CREATE TABLE trial_request (
    request_id text NOT NULL,
    company text NOT NULL,
    contact text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    purpose text NOT NULL,
    models text[] NOT NULL,
    days integer NOT NULL,
    tokens bigint NOT NULL,
    from_hash bytea NOT NULL,
    claim_hash bytea NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    decided_by text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone,
    why text DEFAULT ''::text NOT NULL,
    CONSTRAINT trial_request_pkey PRIMARY KEY (request_id),
    CONSTRAINT trial_request_days_check CHECK (((days >= 7) AND (days <= 14))),
    CONSTRAINT trial_request_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'granted'::text, 'declined'::text]))),
    CONSTRAINT trial_request_tokens_check CHECK ((tokens > 0))
);

CREATE TABLE usage_batch (
    batch_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    first_day date NOT NULL,
    customer_id text NOT NULL,
    after_epoch integer NOT NULL,
    upto_epoch integer NOT NULL,
    low uuid NOT NULL,
    high uuid NOT NULL,
    first_month character(7) NOT NULL,
    last_month character(7) NOT NULL,
    rows bigint NOT NULL,
    checksum text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    verified_at timestamp with time zone,
    deleted_at timestamp with time zone,
    purged_at timestamp with time zone,
    CONSTRAINT usage_batch_pkey PRIMARY KEY (batch_id),
    CONSTRAINT usage_batch_first_day_customer_id_after_epoch_low_key UNIQUE (first_day, customer_id, after_epoch, low),
    CONSTRAINT usage_batch_check CHECK ((upto_epoch > after_epoch)),
    CONSTRAINT usage_batch_check1 CHECK ((high >= low)),
    CONSTRAINT usage_batch_rows_check CHECK ((rows > 0))
);

CREATE TABLE usage_dimension (
    dimension_id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    tags text NOT NULL,
    deployment_id text NOT NULL,
    CONSTRAINT usage_dimension_pkey PRIMARY KEY (dimension_id),
    CONSTRAINT usage_dimension_customer_id_project_id_key_id_tags_deployme_key UNIQUE (customer_id, project_id, key_id, tags, deployment_id)
);

CREATE TABLE usage_late (
    late_id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    month character(7) NOT NULL,
    hour timestamp with time zone NOT NULL,
    dimension_id integer NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint NOT NULL,
    cost_rate bigint NOT NULL,
    state text NOT NULL,
    quantity numeric(38,0) NOT NULL,
    CONSTRAINT usage_late_pkey PRIMARY KEY (late_id)
);

CREATE TABLE usage_month (
    customer_id text NOT NULL,
    month character(7) NOT NULL,
    last_epoch integer NOT NULL,
    CONSTRAINT usage_month_pkey PRIMARY KEY (customer_id, month)
);

CREATE TABLE usage_partition (
    first_day date NOT NULL,
    state text NOT NULL,
    upto_epoch integer NOT NULL,
    rows bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT usage_partition_pkey PRIMARY KEY (first_day),
    CONSTRAINT usage_partition_state_check CHECK ((state = ANY (ARRAY['here'::text, 'moved'::text, 'deleted'::text])))
);

CREATE TABLE usage_rollup (
    month character(7) NOT NULL,
    hour timestamp with time zone NOT NULL,
    dimension_id integer NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint NOT NULL,
    cost_rate bigint NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    quantity numeric(38,0) NOT NULL,
    CONSTRAINT usage_rollup_pkey PRIMARY KEY (month, dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch)
);

CREATE TABLE usage_sum_house (
    grain text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    deployment_id text NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint NOT NULL,
    cost_rate bigint NOT NULL,
    state text NOT NULL,
    quantity numeric(38,0) NOT NULL,
    CONSTRAINT usage_sum_house_pkey PRIMARY KEY (grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state),
    CONSTRAINT usage_sum_house_grain_check CHECK ((grain = ANY (ARRAY['day'::text, 'month'::text])))
) WITH (fillfactor=80);

CREATE TABLE usage_sum_model (
    customer_id text NOT NULL,
    grain text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    deployment_id text NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint NOT NULL,
    cost_rate bigint NOT NULL,
    state text NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT usage_sum_model_pkey PRIMARY KEY (customer_id, grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state),
    CONSTRAINT usage_sum_model_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text, 'week'::text, 'month'::text])))
) WITH (fillfactor=80);

CREATE TABLE usage_sum_place (
    customer_id text NOT NULL,
    grain text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    tags text NOT NULL,
    meter text NOT NULL,
    billed boolean NOT NULL,
    sale_currency text NOT NULL,
    cost_currency text NOT NULL,
    quantity bigint NOT NULL,
    sale_pico numeric(38,0) NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    CONSTRAINT usage_sum_place_pkey PRIMARY KEY (customer_id, grain, month, at, project_id, key_id, tags, meter, billed, sale_currency, cost_currency),
    CONSTRAINT usage_sum_place_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text, 'week'::text, 'month'::text])))
) WITH (fillfactor=80);

CREATE TABLE usage_sum_whole (
    dimension_id integer NOT NULL,
    grain text NOT NULL,
    month character(7) NOT NULL,
    at timestamp with time zone NOT NULL,
    model text NOT NULL,
    meter text NOT NULL,
    sale_rate bigint NOT NULL,
    cost_rate bigint NOT NULL,
    state text NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT usage_sum_whole_pkey PRIMARY KEY (dimension_id, grain, month, at, model, meter, sale_rate, cost_rate, state),
    CONSTRAINT usage_sum_whole_grain_check CHECK ((grain = ANY (ARRAY['day'::text, 'week'::text, 'month'::text])))
) WITH (fillfactor=80);

CREATE TABLE usage_summed (
    only_row boolean DEFAULT true NOT NULL,
    through timestamp with time zone NOT NULL,
    late_before timestamp with time zone NOT NULL,
    CONSTRAINT usage_summed_pkey PRIMARY KEY (only_row),
    CONSTRAINT usage_summed_check CHECK ((through <= late_before)),
    CONSTRAINT usage_summed_only_row_check CHECK (only_row)
);

CREATE TABLE virtual_account (
    number text NOT NULL,
    account_id text NOT NULL,
    customer_id text NOT NULL,
    given_by text NOT NULL,
    given_at timestamp with time zone NOT NULL,
    CONSTRAINT virtual_account_pkey PRIMARY KEY (number)
);

CREATE TABLE waiver (
    waiver_id text NOT NULL,
    kind text NOT NULL,
    customer_id text NOT NULL,
    bill_id text NOT NULL,
    currency text NOT NULL,
    amount_fen bigint NOT NULL,
    why text NOT NULL,
    state text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    CONSTRAINT waiver_pkey PRIMARY KEY (waiver_id),
    CONSTRAINT waiver_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT waiver_check CHECK ((decided_by IS DISTINCT FROM requested_by)),
    CONSTRAINT waiver_kind_check CHECK ((kind = ANY (ARRAY['short_pay'::text, 'write_off'::text]))),
    CONSTRAINT waiver_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text])))
);

CREATE TABLE usage_event (
    event_id uuid NOT NULL,
    version smallint DEFAULT 1 NOT NULL,
    operation_id uuid NOT NULL,
    attempt smallint NOT NULL,
    customer_id text NOT NULL,
    dimension_id integer NOT NULL,
    month character(7) NOT NULL,
    hour timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone NOT NULL,
    api text NOT NULL,
    model text NOT NULL,
    billable boolean NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    contract_id text NOT NULL,
    contract_version integer NOT NULL,
    sale_book text NOT NULL,
    sale_revision integer NOT NULL,
    cost_book text NOT NULL,
    cost_revision integer NOT NULL,
    items json NOT NULL,
    context_tokens bigint NOT NULL,
    billed_model text NOT NULL,
    service_tier text NOT NULL,
    http_status smallint NOT NULL,
    outcome text NOT NULL,
    stream boolean NOT NULL,
    first_byte_ms integer,
    response_id text NOT NULL,
    source text NOT NULL,
    facts json NOT NULL,
    epoch integer NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_event_pkey PRIMARY KEY (event_id, version),
    CONSTRAINT usage_event_state_check CHECK ((state = ANY (ARRAY['measured'::text, 'partial'::text, 'estimated'::text, 'unmeasured'::text, 'unpriced'::text])))
) PARTITION BY RANGE (event_id);

ALTER TABLE adjustment ADD CONSTRAINT adjustment_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE advice ADD CONSTRAINT advice_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE advice_figure ADD CONSTRAINT advice_figure_advice_id_fkey FOREIGN KEY (advice_id) REFERENCES advice(advice_id);
ALTER TABLE advice_measure ADD CONSTRAINT advice_measure_advice_id_fkey FOREIGN KEY (advice_id) REFERENCES advice(advice_id);
ALTER TABLE advice_round ADD CONSTRAINT advice_round_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE advice_transition ADD CONSTRAINT advice_transition_advice_id_fkey FOREIGN KEY (advice_id) REFERENCES advice(advice_id);
ALTER TABLE advice_word ADD CONSTRAINT advice_word_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE adviser ADD CONSTRAINT adviser_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE allowance ADD CONSTRAINT allowance_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE allowance ADD CONSTRAINT allowance_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_key(key_id);
ALTER TABLE allowance ADD CONSTRAINT allowance_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE allowance_alert ADD CONSTRAINT allowance_alert_number_fkey FOREIGN KEY (number) REFERENCES allowance(number);
ALTER TABLE allowance_estimate ADD CONSTRAINT allowance_estimate_number_starts_s_unit_fkey FOREIGN KEY (number, starts_s, unit) REFERENCES allowance_window(number, starts_s, unit);
ALTER TABLE allowance_flight ADD CONSTRAINT allowance_flight_number_fkey FOREIGN KEY (number) REFERENCES allowance(number);
ALTER TABLE allowance_grant ADD CONSTRAINT allowance_grant_number_starts_s_unit_fkey FOREIGN KEY (number, starts_s, unit) REFERENCES allowance_window(number, starts_s, unit);
ALTER TABLE allowance_window ADD CONSTRAINT allowance_window_fx_id_fkey FOREIGN KEY (fx_id) REFERENCES fx_rate(fx_id);
ALTER TABLE allowance_window ADD CONSTRAINT allowance_window_number_fkey FOREIGN KEY (number) REFERENCES allowance(number);
ALTER TABLE anomaly_cursor ADD CONSTRAINT anomaly_cursor_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE anomaly_finding ADD CONSTRAINT anomaly_finding_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE anomaly_series ADD CONSTRAINT anomaly_series_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE anomaly_transition ADD CONSTRAINT anomaly_transition_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES anomaly_finding(finding_id);
ALTER TABLE anomaly_word ADD CONSTRAINT anomaly_word_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE api_key ADD CONSTRAINT api_key_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE api_key ADD CONSTRAINT api_key_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE api_key ADD CONSTRAINT api_key_replaced_by_fkey FOREIGN KEY (replaced_by) REFERENCES api_key(key_id);
ALTER TABLE apportionment ADD CONSTRAINT apportionment_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE apportionment ADD CONSTRAINT apportionment_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE apportionment ADD CONSTRAINT apportionment_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE apportionment ADD CONSTRAINT apportionment_source_customer_fkey FOREIGN KEY (source_customer) REFERENCES customer(customer_id);
ALTER TABLE apportionment ADD CONSTRAINT apportionment_undoes_fkey FOREIGN KEY (undoes) REFERENCES apportionment(apportionment_id);
ALTER TABLE bill ADD CONSTRAINT bill_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE bill_dispute ADD CONSTRAINT bill_dispute_adjustment_id_fkey FOREIGN KEY (adjustment_id) REFERENCES adjustment(adjustment_id);
ALTER TABLE bill_dispute ADD CONSTRAINT bill_dispute_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE bill_dispute ADD CONSTRAINT bill_dispute_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE bill_earlier_draft ADD CONSTRAINT bill_earlier_draft_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE bill_earlier_draft ADD CONSTRAINT bill_earlier_draft_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE bill_line ADD CONSTRAINT bill_line_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE bill_line ADD CONSTRAINT bill_line_fx_id_fkey FOREIGN KEY (fx_id) REFERENCES fx_rate(fx_id);
ALTER TABLE bill_line ADD CONSTRAINT bill_line_sale_rate_fkey FOREIGN KEY (sale_rate) REFERENCES rate(rate_id);
ALTER TABLE bill_reminder ADD CONSTRAINT bill_reminder_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE bill_reminder ADD CONSTRAINT bill_reminder_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE bill_tax_line ADD CONSTRAINT bill_tax_line_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE bill_tax_line ADD CONSTRAINT bill_tax_line_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE bill_transition ADD CONSTRAINT bill_transition_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE billing_unit ADD CONSTRAINT billing_unit_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE billing_unit_project ADD CONSTRAINT billing_unit_project_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE billing_unit_project ADD CONSTRAINT billing_unit_project_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE billing_unit_project ADD CONSTRAINT billing_unit_project_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES billing_unit(unit_id);
ALTER TABLE book ADD CONSTRAINT book_parent_book_fkey FOREIGN KEY (parent_book) REFERENCES book(book_id);
ALTER TABLE book_revision ADD CONSTRAINT book_revision_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(book_id);
ALTER TABLE book_revision ADD CONSTRAINT book_revision_fx_id_fkey FOREIGN KEY (fx_id) REFERENCES fx_rate(fx_id);
ALTER TABLE cloud_assigned ADD CONSTRAINT cloud_assigned_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE cloud_assigned ADD CONSTRAINT cloud_assigned_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE cloud_assigned ADD CONSTRAINT cloud_assigned_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES cloud_statement(statement_id);
ALTER TABLE cloud_charge ADD CONSTRAINT cloud_charge_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE cloud_charge ADD CONSTRAINT cloud_charge_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE cloud_charge ADD CONSTRAINT cloud_charge_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES cloud_statement(statement_id);
ALTER TABLE cloud_delivery ADD CONSTRAINT cloud_delivery_source_fkey FOREIGN KEY (source) REFERENCES cloud_source(source);
ALTER TABLE cloud_place ADD CONSTRAINT cloud_place_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES cloud_delivery(delivery_id);
ALTER TABLE cloud_row ADD CONSTRAINT cloud_row_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES cloud_delivery(delivery_id);
ALTER TABLE cloud_rule ADD CONSTRAINT cloud_rule_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE cloud_rule ADD CONSTRAINT cloud_rule_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE cloud_rule ADD CONSTRAINT cloud_rule_source_fkey FOREIGN KEY (source) REFERENCES cloud_source(source);
ALTER TABLE cloud_statement ADD CONSTRAINT cloud_statement_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES cloud_delivery(delivery_id);
ALTER TABLE cloud_statement ADD CONSTRAINT cloud_statement_source_fkey FOREIGN KEY (source) REFERENCES cloud_source(source);
ALTER TABLE contract ADD CONSTRAINT contract_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract ADD CONSTRAINT contract_sale_book_fkey FOREIGN KEY (sale_book) REFERENCES book(book_id);
ALTER TABLE contract_book ADD CONSTRAINT contract_book_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(book_id);
ALTER TABLE contract_book ADD CONSTRAINT contract_book_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract_draft ADD CONSTRAINT contract_draft_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract_draft_step ADD CONSTRAINT contract_draft_step_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES contract_draft(draft_id);
ALTER TABLE contract_end ADD CONSTRAINT contract_end_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract_number ADD CONSTRAINT contract_number_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract_number ADD CONSTRAINT contract_number_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES contract_draft(draft_id);
ALTER TABLE contract_paper ADD CONSTRAINT contract_paper_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE contract_paper ADD CONSTRAINT contract_paper_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES contract_draft(draft_id);
ALTER TABLE credit_note ADD CONSTRAINT credit_note_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE credit_note ADD CONSTRAINT credit_note_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE credit_note_line ADD CONSTRAINT credit_note_line_credit_note_id_fkey FOREIGN KEY (credit_note_id) REFERENCES credit_note(credit_note_id);
ALTER TABLE credit_note_line ADD CONSTRAINT credit_note_line_line_id_fkey FOREIGN KEY (line_id) REFERENCES bill_line(line_id);
ALTER TABLE customer_grant ADD CONSTRAINT customer_grant_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE customer_parent ADD CONSTRAINT customer_parent_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE customer_parent ADD CONSTRAINT customer_parent_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES customer(customer_id);
ALTER TABLE customer_standing ADD CONSTRAINT customer_standing_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE deployment ADD CONSTRAINT deployment_account_id_fkey FOREIGN KEY (account_id) REFERENCES provider_account(account_id);
ALTER TABLE deployment ADD CONSTRAINT deployment_model_id_fkey FOREIGN KEY (model_id) REFERENCES model(model_id);
ALTER TABLE deposit_slip ADD CONSTRAINT deposit_slip_apportionment_id_fkey FOREIGN KEY (apportionment_id) REFERENCES apportionment(apportionment_id);
ALTER TABLE deposit_slip ADD CONSTRAINT deposit_slip_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao ADD CONSTRAINT fapiao_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao_exchange ADD CONSTRAINT fapiao_exchange_errand_id_fkey FOREIGN KEY (errand_id) REFERENCES fapiao_errand(errand_id);
ALTER TABLE fapiao_file ADD CONSTRAINT fapiao_file_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao_line ADD CONSTRAINT fapiao_line_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE fapiao_line ADD CONSTRAINT fapiao_line_fapiao_id_fkey FOREIGN KEY (fapiao_id) REFERENCES fapiao(fapiao_id);
ALTER TABLE fapiao_red ADD CONSTRAINT fapiao_red_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao_red ADD CONSTRAINT fapiao_red_fapiao_id_fkey FOREIGN KEY (fapiao_id) REFERENCES fapiao(fapiao_id);
ALTER TABLE fapiao_red_line ADD CONSTRAINT fapiao_red_line_fapiao_id_blue_position_fkey FOREIGN KEY (fapiao_id, blue_position) REFERENCES fapiao_line(fapiao_id, "position");
ALTER TABLE fapiao_red_line ADD CONSTRAINT fapiao_red_line_red_id_fkey FOREIGN KEY (red_id) REFERENCES fapiao_red(red_id);
ALTER TABLE fapiao_red_transition ADD CONSTRAINT fapiao_red_transition_red_id_fkey FOREIGN KEY (red_id) REFERENCES fapiao_red(red_id);
ALTER TABLE fapiao_seal ADD CONSTRAINT fapiao_seal_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao_title ADD CONSTRAINT fapiao_title_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE fapiao_transition ADD CONSTRAINT fapiao_transition_fapiao_id_fkey FOREIGN KEY (fapiao_id) REFERENCES fapiao(fapiao_id);
ALTER TABLE finance_batch_entry ADD CONSTRAINT finance_batch_entry_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES finance_batch(batch_id);
ALTER TABLE finance_batch_entry ADD CONSTRAINT finance_batch_entry_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES ledger_entry(entry_id);
ALTER TABLE incident_update ADD CONSTRAINT incident_update_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incident(incident_id);
ALTER TABLE invitation ADD CONSTRAINT invitation_member_id_fkey FOREIGN KEY (member_id) REFERENCES member(member_id);
ALTER TABLE job ADD CONSTRAINT job_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE job_answer ADD CONSTRAINT job_answer_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(job_id) ON DELETE CASCADE;
ALTER TABLE job_file ADD CONSTRAINT job_file_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(job_id) ON DELETE CASCADE;
ALTER TABLE job_piece ADD CONSTRAINT job_piece_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(job_id) ON DELETE CASCADE;
ALTER TABLE journal ADD CONSTRAINT journal_node_id_fkey FOREIGN KEY (node_id) REFERENCES node(node_id);
ALTER TABLE known_payer ADD CONSTRAINT known_payer_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE known_payer ADD CONSTRAINT known_payer_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE late_fee ADD CONSTRAINT late_fee_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE late_fee ADD CONSTRAINT late_fee_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE ledger_posting ADD CONSTRAINT ledger_posting_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES ledger_entry(entry_id);
ALTER TABLE login ADD CONSTRAINT login_member_id_fkey FOREIGN KEY (member_id) REFERENCES member(member_id);
ALTER TABLE member ADD CONSTRAINT member_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE member_token ADD CONSTRAINT member_token_member_id_fkey FOREIGN KEY (member_id) REFERENCES member(member_id);
ALTER TABLE model ADD CONSTRAINT model_backup_model_fkey FOREIGN KEY (backup_model) REFERENCES model(model_id);
ALTER TABLE model_grade ADD CONSTRAINT model_grade_model_id_fkey FOREIGN KEY (model_id) REFERENCES model(model_id);
ALTER TABLE month_close ADD CONSTRAINT month_close_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE month_close ADD CONSTRAINT month_close_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE month_proof ADD CONSTRAINT month_proof_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE notice ADD CONSTRAINT notice_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE notice_attachment ADD CONSTRAINT notice_attachment_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(notice_id);
ALTER TABLE notice_attempt ADD CONSTRAINT notice_attempt_message_id_fkey FOREIGN KEY (message_id) REFERENCES notice_message(message_id);
ALTER TABLE notice_channel ADD CONSTRAINT notice_channel_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES notice_contact(contact_id);
ALTER TABLE notice_channel ADD CONSTRAINT notice_channel_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE notice_contact ADD CONSTRAINT notice_contact_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE notice_copy ADD CONSTRAINT notice_copy_message_id_fkey FOREIGN KEY (message_id) REFERENCES notice_message(message_id);
ALTER TABLE notice_copy ADD CONSTRAINT notice_copy_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES notice(notice_id);
ALTER TABLE notice_message ADD CONSTRAINT notice_message_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE notice_outcome ADD CONSTRAINT notice_outcome_message_id_number_fkey FOREIGN KEY (message_id, number) REFERENCES notice_attempt(message_id, number);
ALTER TABLE open_call ADD CONSTRAINT open_call_journal_id_fkey FOREIGN KEY (journal_id) REFERENCES journal(journal_id);
ALTER TABLE payer_authorisation ADD CONSTRAINT payer_authorisation_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE preservation ADD CONSTRAINT preservation_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE price_change ADD CONSTRAINT price_change_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(book_id);
ALTER TABLE price_change ADD CONSTRAINT price_change_book_id_revision_fkey FOREIGN KEY (book_id, revision) REFERENCES book_revision(book_id, revision);
ALTER TABLE project ADD CONSTRAINT project_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE project ADD CONSTRAINT project_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES project(project_id);
ALTER TABLE proposal ADD CONSTRAINT proposal_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospect(prospect_id);
ALTER TABLE proposal ADD CONSTRAINT proposal_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES quote(quote_id);
ALTER TABLE prospect_form ADD CONSTRAINT prospect_form_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospect(prospect_id);
ALTER TABLE prospect_usage ADD CONSTRAINT prospect_usage_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospect(prospect_id);
ALTER TABLE prospect_usage_cell ADD CONSTRAINT prospect_usage_cell_import_id_fkey FOREIGN KEY (import_id) REFERENCES prospect_usage(import_id);
ALTER TABLE protection ADD CONSTRAINT protection_allowance_id_fkey FOREIGN KEY (allowance_id) REFERENCES allowance(allowance_id);
ALTER TABLE protection ADD CONSTRAINT protection_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE protection ADD CONSTRAINT protection_finding_id_fkey FOREIGN KEY (finding_id) REFERENCES anomaly_finding(finding_id);
ALTER TABLE protection ADD CONSTRAINT protection_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES protection_policy(policy_id);
ALTER TABLE protection_policy ADD CONSTRAINT protection_policy_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE protection_policy ADD CONSTRAINT protection_policy_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_key(key_id);
ALTER TABLE protection_policy ADD CONSTRAINT protection_policy_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(project_id);
ALTER TABLE protection_transition ADD CONSTRAINT protection_transition_protection_id_fkey FOREIGN KEY (protection_id) REFERENCES protection(protection_id);
ALTER TABLE provider_bill_void ADD CONSTRAINT provider_bill_void_provider_bill_id_fkey FOREIGN KEY (provider_bill_id) REFERENCES provider_bill(provider_bill_id);
ALTER TABLE provider_ceiling ADD CONSTRAINT provider_ceiling_account_id_fkey FOREIGN KEY (account_id) REFERENCES provider_account(account_id);
ALTER TABLE provider_credit ADD CONSTRAINT provider_credit_provider_bill_id_fkey FOREIGN KEY (provider_bill_id) REFERENCES provider_bill(provider_bill_id);
ALTER TABLE provider_credit_void ADD CONSTRAINT provider_credit_void_provider_credit_id_fkey FOREIGN KEY (provider_credit_id) REFERENCES provider_credit(provider_credit_id);
ALTER TABLE provider_payment ADD CONSTRAINT provider_payment_provider_bill_id_fkey FOREIGN KEY (provider_bill_id) REFERENCES provider_bill(provider_bill_id);
ALTER TABLE provider_payment_transition ADD CONSTRAINT provider_payment_transition_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES provider_payment(payment_id);
ALTER TABLE provider_report_line ADD CONSTRAINT provider_report_line_report_id_fkey FOREIGN KEY (report_id) REFERENCES provider_report(report_id);
ALTER TABLE quote ADD CONSTRAINT quote_import_id_fkey FOREIGN KEY (import_id) REFERENCES prospect_usage(import_id);
ALTER TABLE quote ADD CONSTRAINT quote_prospect_id_fkey FOREIGN KEY (prospect_id) REFERENCES prospect(prospect_id);
ALTER TABLE quote ADD CONSTRAINT quote_prospect_id_form_version_fkey FOREIGN KEY (prospect_id, form_version) REFERENCES prospect_form(prospect_id, version);
ALTER TABLE quote_transition ADD CONSTRAINT quote_transition_quote_id_fkey FOREIGN KEY (quote_id) REFERENCES quote(quote_id);
ALTER TABLE rate ADD CONSTRAINT rate_book_id_revision_fkey FOREIGN KEY (book_id, revision) REFERENCES book_revision(book_id, revision);
ALTER TABLE rate ADD CONSTRAINT rate_list_rate_fkey FOREIGN KEY (list_rate) REFERENCES rate(rate_id);
ALTER TABLE receipt ADD CONSTRAINT receipt_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank_account(account_id);
ALTER TABLE receipt ADD CONSTRAINT receipt_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE receipt ADD CONSTRAINT receipt_line_id_fkey FOREIGN KEY (line_id) REFERENCES statement_line(line_id);
ALTER TABLE receipt_candidate ADD CONSTRAINT receipt_candidate_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE receipt_candidate ADD CONSTRAINT receipt_candidate_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE receipt_claim ADD CONSTRAINT receipt_claim_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE receipt_claim ADD CONSTRAINT receipt_claim_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE receipt_transition ADD CONSTRAINT receipt_transition_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE reconciliation_difference ADD CONSTRAINT reconciliation_difference_reconciliation_id_fkey FOREIGN KEY (reconciliation_id) REFERENCES reconciliation(reconciliation_id);
ALTER TABLE refund ADD CONSTRAINT refund_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank_account(account_id);
ALTER TABLE refund ADD CONSTRAINT refund_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE refund ADD CONSTRAINT refund_line_id_fkey FOREIGN KEY (line_id) REFERENCES statement_line(line_id);
ALTER TABLE refund ADD CONSTRAINT refund_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES receipt(receipt_id);
ALTER TABLE refund_transition ADD CONSTRAINT refund_transition_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES refund(refund_id);
ALTER TABLE report ADD CONSTRAINT report_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE report_run ADD CONSTRAINT report_run_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE report_run ADD CONSTRAINT report_run_report_id_fkey FOREIGN KEY (report_id) REFERENCES report(report_id);
ALTER TABLE reprieve ADD CONSTRAINT reprieve_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE response_clock ADD CONSTRAINT response_clock_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE response_clock ADD CONSTRAINT response_clock_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES ticket(ticket_id);
ALTER TABLE response_miss ADD CONSTRAINT response_miss_clock_id_fkey FOREIGN KEY (clock_id) REFERENCES response_clock(clock_id);
ALTER TABLE response_miss ADD CONSTRAINT response_miss_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE retention_term ADD CONSTRAINT retention_term_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE session ADD CONSTRAINT session_member_id_fkey FOREIGN KEY (member_id) REFERENCES member(member_id);
ALTER TABLE share_rule ADD CONSTRAINT share_rule_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE signing ADD CONSTRAINT signing_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE signing ADD CONSTRAINT signing_draft_id_fkey FOREIGN KEY (draft_id) REFERENCES contract_draft(draft_id);
ALTER TABLE signing ADD CONSTRAINT signing_paper_id_fkey FOREIGN KEY (paper_id) REFERENCES contract_paper(paper_id);
ALTER TABLE signing_step ADD CONSTRAINT signing_step_signing_id_fkey FOREIGN KEY (signing_id) REFERENCES signing(signing_id);
ALTER TABLE sso_attempt ADD CONSTRAINT sso_attempt_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sso_provider(provider_id);
ALTER TABLE sso_person ADD CONSTRAINT sso_person_member_id_fkey FOREIGN KEY (member_id) REFERENCES member(member_id);
ALTER TABLE sso_person ADD CONSTRAINT sso_person_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sso_provider(provider_id);
ALTER TABLE sso_provider ADD CONSTRAINT sso_provider_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE standing_transition ADD CONSTRAINT standing_transition_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE statement_file ADD CONSTRAINT statement_file_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank_account(account_id);
ALTER TABLE statement_line ADD CONSTRAINT statement_line_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank_account(account_id);
ALTER TABLE statement_line ADD CONSTRAINT statement_line_file_id_fkey FOREIGN KEY (file_id) REFERENCES statement_file(file_id);
ALTER TABLE temporary_limit ADD CONSTRAINT temporary_limit_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE ticket ADD CONSTRAINT ticket_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE ticket ADD CONSTRAINT ticket_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE ticket_file ADD CONSTRAINT ticket_file_message_id_fkey FOREIGN KEY (message_id) REFERENCES ticket_message(message_id);
ALTER TABLE ticket_message ADD CONSTRAINT ticket_message_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES ticket(ticket_id);
ALTER TABLE ticket_transition ADD CONSTRAINT ticket_transition_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES ticket(ticket_id);
ALTER TABLE trial ADD CONSTRAINT trial_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(book_id);
ALTER TABLE trial ADD CONSTRAINT trial_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE trial ADD CONSTRAINT trial_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_key(key_id);
ALTER TABLE trial ADD CONSTRAINT trial_request_id_fkey FOREIGN KEY (request_id) REFERENCES trial_request(request_id);
ALTER TABLE trial_cost ADD CONSTRAINT trial_cost_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES trial(trial_id);
ALTER TABLE trial_policy ADD CONSTRAINT trial_policy_sale_book_fkey FOREIGN KEY (sale_book) REFERENCES book(book_id);
ALTER TABLE virtual_account ADD CONSTRAINT virtual_account_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank_account(account_id);
ALTER TABLE virtual_account ADD CONSTRAINT virtual_account_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);
ALTER TABLE waiver ADD CONSTRAINT waiver_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES bill(bill_id);
ALTER TABLE waiver ADD CONSTRAINT waiver_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customer(customer_id);

CREATE INDEX adjustment_open ON public.adjustment USING btree (customer_id) WHERE (state = ANY (ARRAY['proposed'::text, 'approved'::text]));
CREATE INDEX advice_customer ON public.advice USING btree (customer_id, advice_id);
CREATE UNIQUE INDEX advice_held ON public.advice USING btree (customer_id, kind, slice) WHERE (state = ANY (ARRAY['proposed'::text, 'accepted'::text, 'tracked'::text, 'realised'::text]));
CREATE INDEX advice_figure_advice ON public.advice_figure USING btree (advice_id, figure_id);
CREATE INDEX advice_measure_advice ON public.advice_measure USING btree (advice_id, month, measure_id);
CREATE INDEX advice_round_customer ON public.advice_round USING btree (customer_id, round_id);
CREATE INDEX advice_transition_advice ON public.advice_transition USING btree (advice_id, transition_id);
CREATE UNIQUE INDEX advice_word_held ON public.advice_word USING btree (customer_id, what, name) WHERE (ended_at IS NULL);
CREATE INDEX advice_word_said ON public.advice_word USING btree (customer_id, what);
CREATE INDEX adviser_of_customer ON public.adviser USING btree (customer_id, adviser_id DESC);
CREATE UNIQUE INDEX allowance_name ON public.allowance USING btree (customer_id, name) WHERE (ended_at IS NULL);
CREATE INDEX allowance_of_customer ON public.allowance USING btree (customer_id) WHERE (ended_at IS NULL);
CREATE INDEX allowance_alert_open ON public.allowance_alert USING btree (number) WHERE (eased_at IS NULL);
CREATE INDEX allowance_estimate_of_window ON public.allowance_estimate USING btree (number, starts_s, unit);
CREATE INDEX allowance_grant_of_window ON public.allowance_grant USING btree (number, starts_s, unit);
CREATE INDEX anomaly_finding_customer ON public.anomaly_finding USING btree (customer_id, finding_id);
CREATE INDEX anomaly_finding_going ON public.anomaly_finding USING btree (customer_id) WHERE (state <> 'closed'::text);
CREATE INDEX anomaly_transition_finding ON public.anomaly_transition USING btree (finding_id, at);
CREATE INDEX api_key_customer ON public.api_key USING btree (customer_id);
CREATE INDEX apportionment_bill ON public.apportionment USING btree (bill_id);
CREATE INDEX apportionment_customer ON public.apportionment USING btree (customer_id);
CREATE INDEX apportionment_receipt ON public.apportionment USING btree (receipt_id);
CREATE INDEX apportionment_source ON public.apportionment USING btree (source_customer);
CREATE INDEX bill_asked ON public.bill USING btree (state) WHERE (state = ANY (ARRAY['proposed'::text, 'confirmed'::text, 'disputed'::text]));
CREATE INDEX bill_customer ON public.bill USING btree (customer_id, month);
CREATE UNIQUE INDEX bill_once ON public.bill USING btree (customer_id, month, part) WHERE (state <> 'voided'::text);
CREATE INDEX bill_voided ON public.bill USING btree (customer_id, month) WHERE (state = 'voided'::text);
CREATE INDEX bill_dispute_bill ON public.bill_dispute USING btree (bill_id);
CREATE INDEX bill_dispute_customer ON public.bill_dispute USING btree (customer_id);
CREATE INDEX bill_dispute_open ON public.bill_dispute USING btree (customer_id) WHERE (state = 'open'::text);
CREATE INDEX bill_earlier_draft_of_bill ON public.bill_earlier_draft USING btree (bill_id);
CREATE INDEX bill_earlier_draft_of_customer ON public.bill_earlier_draft USING btree (customer_id, draft_id);
CREATE INDEX bill_line_billed ON public.bill_line USING btree (customer_id, service_month);
CREATE INDEX bill_line_reference ON public.bill_line USING btree (customer_id, refers_to) WHERE (refers_to <> ''::text);
CREATE INDEX bill_tax_line_customer ON public.bill_tax_line USING btree (customer_id);
CREATE INDEX bill_transition_bill ON public.bill_transition USING btree (bill_id, at);
CREATE INDEX billing_unit_project_customer ON public.billing_unit_project USING btree (customer_id);
CREATE INDEX capacity_hour_hour ON public.capacity_hour USING btree (hour);
CREATE INDEX cloud_assigned_of_customer ON public.cloud_assigned USING btree (customer_id, statement_id);
CREATE INDEX cloud_charge_of_customer ON public.cloud_charge USING btree (customer_id, statement_id);
CREATE INDEX cloud_charge_of_statement ON public.cloud_charge USING btree (statement_id);
CREATE INDEX cloud_rule_of_source ON public.cloud_rule USING btree (source, made_at);
CREATE INDEX contract_customer ON public.contract USING btree (customer_id, starts_at);
CREATE INDEX contract_book_customer ON public.contract_book USING btree (customer_id);
CREATE INDEX contract_draft_customer ON public.contract_draft USING btree (customer_id);
CREATE INDEX contract_draft_open ON public.contract_draft USING btree (state, draft_id) WHERE (state = ANY (ARRAY['draft'::text, 'submitted'::text, 'reviewed'::text]));
CREATE INDEX contract_draft_step_draft ON public.contract_draft_step USING btree (draft_id);
CREATE INDEX contract_end_customer ON public.contract_end USING btree (customer_id);
CREATE UNIQUE INDEX contract_end_waiting ON public.contract_end USING btree (contract_id) WHERE ((approved_by IS NULL) AND (rejected_by IS NULL));
CREATE INDEX contract_number_customer ON public.contract_number USING btree (customer_id);
CREATE INDEX contract_paper_customer ON public.contract_paper USING btree (customer_id);
CREATE UNIQUE INDEX contract_paper_once ON public.contract_paper USING btree (COALESCE(draft_id, ''::text), COALESCE(contract_id, ''::text), kind, sha256) WHERE (kind <> 'signed'::text);
CREATE INDEX credit_note_bill ON public.credit_note USING btree (bill_id);
CREATE UNIQUE INDEX credit_note_chain ON public.credit_note USING btree (customer_id, previous_seal);
CREATE INDEX credit_note_customer ON public.credit_note USING btree (customer_id);
CREATE INDEX customer_grant_customer ON public.customer_grant USING btree (customer_id);
CREATE INDEX deed_about ON public.deed USING btree (noun, name, deed_id);
CREATE INDEX deed_by ON public.deed USING btree (by, deed_id);
CREATE INDEX deployment_model ON public.deployment USING btree (model_id);
CREATE INDEX duty_until ON public.duty USING btree (ends_at) WHERE (removed_at IS NULL);
CREATE INDEX fapiao_customer ON public.fapiao USING btree (customer_id, fapiao_id);
CREATE INDEX fapiao_errand_due ON public.fapiao_errand USING btree (next_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sent'::text]));
CREATE INDEX fapiao_errand_key ON public.fapiao_errand USING btree (key);
CREATE UNIQUE INDEX fapiao_errand_once ON public.fapiao_errand USING btree (what, subject_id) WHERE (state = ANY (ARRAY['waiting'::text, 'sent'::text]));
CREATE INDEX fapiao_exchange_errand ON public.fapiao_exchange USING btree (errand_id);
CREATE INDEX fapiao_file_customer ON public.fapiao_file USING btree (customer_id);
CREATE INDEX fapiao_line_bill ON public.fapiao_line USING btree (customer_id, bill_id);
CREATE INDEX fapiao_red_customer ON public.fapiao_red USING btree (customer_id, red_id);
CREATE INDEX fapiao_red_form_uuid ON public.fapiao_red USING btree (form_uuid) WHERE (form_uuid <> ''::text);
CREATE UNIQUE INDEX fapiao_red_pending ON public.fapiao_red USING btree (fapiao_id) WHERE (state = ANY (ARRAY['requested'::text, 'approved'::text, 'waiting'::text, 'confirmed'::text]));
CREATE INDEX fapiao_red_transition_of ON public.fapiao_red_transition USING btree (red_id);
CREATE UNIQUE INDEX fapiao_title_default ON public.fapiao_title USING btree (customer_id) WHERE (is_default AND (state = 'active'::text));
CREATE UNIQUE INDEX fapiao_title_name ON public.fapiao_title USING btree (customer_id, name, tax_number);
CREATE INDEX fapiao_token_newest ON public.fapiao_token USING btree (provider, fetched_at);
CREATE INDEX fapiao_transition_of ON public.fapiao_transition USING btree (fapiao_id);
CREATE INDEX fapiao_watch_newest ON public.fapiao_watch USING btree (provider, at);
CREATE INDEX finance_batch_entry_batch ON public.finance_batch_entry USING btree (batch_id);
CREATE INDEX gateway_probe_down ON public.gateway_probe USING btree (minute) WHERE (NOT is_ready);
CREATE INDEX gateway_refusal_minute ON public.gateway_refusal USING btree (minute);
CREATE INDEX gateway_refusal_ours ON public.gateway_refusal USING btree (customer_id, minute) WHERE is_ours;
CREATE INDEX gateway_refused_call_at ON public.gateway_refused_call USING btree (at);
CREATE INDEX incident_by_start ON public.incident USING btree (starts_at DESC);
CREATE INDEX incident_update_of ON public.incident_update USING btree (incident_id, seq);
CREATE INDEX invitation_of_member ON public.invitation USING btree (member_id) WHERE (ended_at IS NULL);
CREATE INDEX job_ended ON public.job USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE UNIQUE INDEX job_open ON public.job USING btree (kind, subject) WHERE (ended_at IS NULL);
CREATE INDEX job_piece_failed ON public.job_piece USING btree (job_id, "position") WHERE (state = 'failed'::text);
CREATE INDEX journal_of_node ON public.journal USING btree (node_id) WHERE (state <> 'drained'::text);
CREATE INDEX known_payer_number ON public.known_payer USING btree (payer_number);
CREATE INDEX ledger_balance_party ON public.ledger_balance USING btree (party);
CREATE INDEX ledger_entry_at ON public.ledger_entry USING btree (at, entry_id);
CREATE INDEX ledger_entry_refers ON public.ledger_entry USING btree (refers_to) WHERE (refers_to <> ''::text);
CREATE INDEX ledger_posting_party ON public.ledger_posting USING btree (party, account, entry_id);
CREATE INDEX login_failure_from_address ON public.login_failure USING btree (address, at);
CREATE INDEX login_failure_of_name ON public.login_failure USING btree (name, at);
CREATE INDEX member_customer ON public.member USING btree (customer_id);
CREATE UNIQUE INDEX member_name ON public.member USING btree (name) WHERE (revoked_at IS NULL);
CREATE INDEX member_token_of_member ON public.member_token USING btree (member_id);
CREATE INDEX model_grade_of ON public.model_grade USING btree (model_id, grade_id);
CREATE INDEX notice_customer ON public.notice USING btree (customer_id, notice_id);
CREATE INDEX notice_waiting ON public.notice USING btree (notice_id) WHERE (handed_on_at IS NULL);
CREATE INDEX notice_attempt_bucket ON public.notice_attempt USING btree (bucket, begun_at);
CREATE INDEX notice_channel_contact ON public.notice_channel USING btree (contact_id);
CREATE INDEX notice_channel_customer ON public.notice_channel USING btree (customer_id);
CREATE INDEX notice_contact_customer ON public.notice_contact USING btree (customer_id);
CREATE INDEX notice_copy_message ON public.notice_copy USING btree (message_id);
CREATE INDEX notice_copy_waiting ON public.notice_copy USING btree (channel_id, ready_at) WHERE (message_id IS NULL);
CREATE INDEX notice_message_bucket ON public.notice_message USING btree (bucket, urgent DESC, due_at, message_id) WHERE (state = 'waiting'::text);
CREATE INDEX notice_message_channel ON public.notice_message USING btree (channel_id, formed_at);
CREATE INDEX notice_message_customer ON public.notice_message USING btree (customer_id, message_id);
CREATE INDEX notice_message_due ON public.notice_message USING btree (due_at) WHERE (state = 'waiting'::text);
CREATE INDEX payer_authorisation_customer ON public.payer_authorisation USING btree (customer_id);
CREATE INDEX preservation_standing ON public.preservation USING btree (customer_id) WHERE (lifted_at IS NULL);
CREATE INDEX price_change_of_book ON public.price_change USING btree (book_id, change_id);
CREATE INDEX price_change_open ON public.price_change USING btree (change_id) WHERE (state = 'asked'::text);
CREATE INDEX project_parent ON public.project USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX prospect_usage_of ON public.prospect_usage USING btree (prospect_id, import_id);
CREATE INDEX prospect_usage_cell_of ON public.prospect_usage_cell USING btree (import_id);
CREATE INDEX protection_acting ON public.protection USING btree (customer_id) WHERE (state = 'acting'::text);
CREATE INDEX protection_customer ON public.protection USING btree (customer_id);
CREATE INDEX protection_policy_of_customer ON public.protection_policy USING btree (customer_id) WHERE (ended_at IS NULL);
CREATE INDEX protection_transition_of ON public.protection_transition USING btree (protection_id, at);
CREATE INDEX provider_ceiling_lane ON public.provider_ceiling USING btree (account_id, upstream_model, ceiling_id DESC);
CREATE INDEX provider_credit_bill ON public.provider_credit USING btree (provider_bill_id);
CREATE INDEX provider_payment_bill ON public.provider_payment USING btree (provider_bill_id);
CREATE INDEX provider_payment_transition_payment ON public.provider_payment_transition USING btree (payment_id, at);
CREATE INDEX provider_report_of_month ON public.provider_report USING btree (account_id, month, source, sha256);
CREATE INDEX provider_terms_account ON public.provider_terms USING btree (account_id, terms_id DESC);
CREATE INDEX quote_transition_of ON public.quote_transition USING btree (quote_id, transition_id);
CREATE INDEX receipt_customer ON public.receipt USING btree (customer_id, received_on);
CREATE INDEX receipt_open ON public.receipt USING btree (state, received_on) WHERE (state <> 'apportioned'::text);
CREATE INDEX receipt_claim_customer ON public.receipt_claim USING btree (customer_id);
CREATE INDEX receipt_claim_open ON public.receipt_claim USING btree (customer_id) WHERE (state = 'open'::text);
CREATE INDEX receipt_claim_receipt ON public.receipt_claim USING btree (receipt_id);
CREATE INDEX receipt_transition_receipt ON public.receipt_transition USING btree (receipt_id, at);
CREATE INDEX reconciliation_month ON public.reconciliation USING btree (account_id, month, at);
CREATE INDEX refund_customer ON public.refund USING btree (customer_id);
CREATE INDEX refund_receipt ON public.refund USING btree (receipt_id);
CREATE INDEX refund_transition_refund ON public.refund_transition USING btree (refund_id, at);
CREATE INDEX report_due ON public.report USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE UNIQUE INDEX report_name ON public.report USING btree (COALESCE(customer_id, ''::text), name) WHERE (ended_at IS NULL);
CREATE INDEX report_run_customer ON public.report_run USING btree (customer_id);
CREATE INDEX report_run_of ON public.report_run USING btree (report_id, run_id);
CREATE INDEX reprieve_customer ON public.reprieve USING btree (customer_id, until_on);
CREATE INDEX response_clock_due ON public.response_clock USING btree (due_at) WHERE (stopped_at IS NULL);
CREATE INDEX response_clock_of_customer ON public.response_clock USING btree (customer_id, due_at);
CREATE UNIQUE INDEX response_clock_runs ON public.response_clock USING btree (ticket_id) WHERE (stopped_at IS NULL);
CREATE INDEX response_miss_of_customer ON public.response_miss USING btree (customer_id, due_at);
CREATE UNIQUE INDEX restoration_open ON public.restoration USING btree ((true)) WHERE (reopened_at IS NULL);
CREATE INDEX session_of_member ON public.session USING btree (member_id) WHERE (ended_at IS NULL);
CREATE INDEX share_rule_of_customer ON public.share_rule USING btree (customer_id, since, made_at);
CREATE INDEX signing_customer ON public.signing USING btree (customer_id);
CREATE INDEX signing_due ON public.signing USING btree (next_at) WHERE (state = ANY (ARRAY['asked'::text, 'starting'::text, 'running'::text]));
CREATE UNIQUE INDEX signing_once ON public.signing USING btree (paper_id) WHERE (state = ANY (ARRAY['asked'::text, 'starting'::text, 'running'::text]));
CREATE UNIQUE INDEX signing_task ON public.signing USING btree (platform, task) WHERE (task <> ''::text);
CREATE INDEX signing_step_signing ON public.signing_step USING btree (signing_id);
CREATE INDEX sso_attempt_begun ON public.sso_attempt USING btree (begun_at);
CREATE INDEX sso_person_by_email ON public.sso_person USING btree (email);
CREATE INDEX sso_person_by_subject ON public.sso_person USING btree (provider_id, subject);
CREATE UNIQUE INDEX sso_provider_of ON public.sso_provider USING btree (COALESCE(customer_id, ''::text)) WHERE (ended_at IS NULL);
CREATE INDEX standing_transition_customer ON public.standing_transition USING btree (customer_id, at);
CREATE INDEX statement_line_day ON public.statement_line USING btree (account_id, booked_on);
CREATE INDEX statement_line_file ON public.statement_line USING btree (file_id, booked_on);
CREATE INDEX temporary_limit_customer ON public.temporary_limit USING btree (customer_id);
CREATE INDEX ticket_alive ON public.ticket USING btree (state, state_at) WHERE (state <> 'closed'::text);
CREATE INDEX ticket_of_customer ON public.ticket USING btree (customer_id, ticket_id DESC);
CREATE INDEX ticket_file_of ON public.ticket_file USING btree (message_id);
CREATE INDEX ticket_message_of ON public.ticket_message USING btree (ticket_id, seq);
CREATE INDEX ticket_transition_of ON public.ticket_transition USING btree (ticket_id, transition_id);
CREATE INDEX trial_request_asked ON public.trial_request USING btree (asked_at);
CREATE INDEX trial_request_open ON public.trial_request USING btree (asked_at) WHERE (state = 'asked'::text);
CREATE INDEX usage_batch_of ON public.usage_batch USING btree (customer_id, first_month, last_month);
CREATE INDEX usage_event_auto ON ONLY public.usage_event USING btree (month, customer_id) WHERE ((facts ->> 'auto'::text) IS NOT NULL);
CREATE INDEX usage_event_corrected ON ONLY public.usage_event USING btree (event_id) WHERE (version > 1);
CREATE INDEX usage_event_month ON ONLY public.usage_event USING btree (month, customer_id);
CREATE INDEX usage_event_open ON ONLY public.usage_event USING btree (state, event_id) WHERE (state = ANY (ARRAY['estimated'::text, 'unmeasured'::text, 'unpriced'::text]));
CREATE INDEX usage_event_operation ON ONLY public.usage_event USING btree (operation_id) WHERE (operation_id <> event_id);
CREATE INDEX usage_event_recent ON ONLY public.usage_event USING btree (customer_id, event_id DESC);
CREATE INDEX usage_late_dimension ON public.usage_late USING btree (dimension_id);
CREATE INDEX virtual_account_customer ON public.virtual_account USING btree (customer_id);
CREATE UNIQUE INDEX waiver_open ON public.waiver USING btree (bill_id) WHERE (state = 'requested'::text);

CREATE TRIGGER advice_word_snapshot AFTER INSERT OR UPDATE ON public.advice_word FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER allowance_snapshot AFTER INSERT OR UPDATE ON public.allowance FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER api_key_snapshot AFTER INSERT OR UPDATE ON public.api_key FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER auto_model_snapshot AFTER INSERT ON public.auto_model FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER bill_frozen BEFORE UPDATE ON public.bill FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_bill();
CREATE TRIGGER bill_line_frozen BEFORE INSERT OR DELETE OR UPDATE ON public.bill_line FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_issued();
CREATE TRIGGER bill_tax_line_frozen BEFORE INSERT OR DELETE OR UPDATE ON public.bill_tax_line FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_issued();
CREATE TRIGGER book_revision_snapshot AFTER INSERT ON public.book_revision FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER contract_snapshot AFTER INSERT ON public.contract FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER contract_number_is_kept BEFORE UPDATE ON public.contract_number FOR EACH ROW EXECUTE FUNCTION refuse_change_of_contract_number();
CREATE TRIGGER credit_note_frozen BEFORE UPDATE ON public.credit_note FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decided_credit();
CREATE TRIGGER customer_snapshot AFTER INSERT OR UPDATE ON public.customer FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER customer_standing_snapshot AFTER INSERT OR UPDATE ON public.customer_standing FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER deployment_snapshot AFTER INSERT OR UPDATE ON public.deployment FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER fapiao_number_stays BEFORE UPDATE ON public.fapiao FOR EACH ROW EXECUTE FUNCTION refuse_other_fapiao_number();
CREATE TRIGGER fapiao_red_number_stays BEFORE UPDATE ON public.fapiao_red FOR EACH ROW EXECUTE FUNCTION refuse_other_fapiao_number();
CREATE TRIGGER journal_snapshot AFTER INSERT ON public.journal FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();
CREATE TRIGGER ledger_entry_frozen BEFORE DELETE OR UPDATE ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger();
CREATE TRIGGER ledger_posting_frozen BEFORE DELETE OR UPDATE ON public.ledger_posting FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger();
CREATE TRIGGER ledger_posting_with_entry BEFORE INSERT ON public.ledger_posting FOR EACH ROW EXECUTE FUNCTION refuse_late_posting();
CREATE TRIGGER model_snapshot AFTER INSERT OR UPDATE ON public.model FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER node_snapshot AFTER UPDATE OF state ON public.node FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER price_change_frozen BEFORE UPDATE ON public.price_change FOR EACH ROW EXECUTE FUNCTION refuse_change_of_price_change();
CREATE TRIGGER project_snapshot AFTER INSERT OR UPDATE ON public.project FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER provider_account_snapshot AFTER INSERT OR UPDATE ON public.provider_account FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER provider_payment_frozen BEFORE UPDATE ON public.provider_payment FOR EACH ROW EXECUTE FUNCTION refuse_change_of_provider_payment();
CREATE TRIGGER usage_rollup_month AFTER INSERT ON public.usage_rollup REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_usage_month();
CREATE TRIGGER usage_sum_model_added AFTER INSERT ON public.usage_sum_model REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();
CREATE TRIGGER usage_sum_model_changed AFTER UPDATE ON public.usage_sum_model REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();
CREATE TRIGGER usage_sum_model_removed AFTER DELETE ON public.usage_sum_model REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();

COMMENT ON COLUMN restoration.is_alone IS 'no other node wrote journals: lending reopens by itself';
COMMENT ON COLUMN restoration.reached IS 'when the newest commit in the backup was made';

GRANT USAGE ON SCHEMA public TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE adjustment TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice_figure TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice_measure TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice_round TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE advice_word TO yuejie_app;
GRANT INSERT, SELECT ON TABLE adviser TO yuejie_app;
GRANT INSERT, SELECT ON TABLE allowance TO yuejie_app;
GRANT INSERT, SELECT ON TABLE allowance_alert TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE allowance_estimate TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE allowance_flight TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE allowance_grant TO yuejie_app;
GRANT INSERT, SELECT ON TABLE allowance_journal TO yuejie_app;
GRANT USAGE ON SEQUENCE allowance_number_seq TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE allowance_window TO yuejie_app;
GRANT INSERT, SELECT ON TABLE anomaly_cursor TO yuejie_app;
GRANT INSERT, SELECT ON TABLE anomaly_finding TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE anomaly_series TO yuejie_app;
GRANT INSERT, SELECT ON TABLE anomaly_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE anomaly_word TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE api_key TO yuejie_app;
GRANT INSERT, SELECT ON TABLE apportionment TO yuejie_app;
GRANT INSERT, SELECT ON TABLE auto_model TO yuejie_app;
GRANT INSERT, SELECT ON TABLE bank_account TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE bill TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE bill_dispute TO yuejie_app;
GRANT INSERT, SELECT ON TABLE bill_earlier_draft TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE bill_line TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE bill_number TO yuejie_app;
GRANT INSERT, SELECT ON TABLE bill_reminder TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE bill_tax_line TO yuejie_app;
GRANT INSERT, SELECT ON TABLE bill_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE billing_unit TO yuejie_app;
GRANT INSERT, SELECT ON TABLE billing_unit_project TO yuejie_app;
GRANT INSERT, SELECT ON TABLE book TO yuejie_app;
GRANT INSERT, SELECT ON TABLE book_revision TO yuejie_app;
GRANT INSERT, SELECT ON TABLE capacity_cursor TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE capacity_hour TO yuejie_app;
GRANT INSERT, SELECT ON TABLE certificate TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE client_key TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_assigned TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_charge TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_delivery TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_place TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_row TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_rule TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_source TO yuejie_app;
GRANT INSERT, SELECT ON TABLE cloud_statement TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_book TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_draft TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_draft_step TO yuejie_app;
GRANT USAGE ON SEQUENCE contract_draft_step_step_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_end TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_number TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_number_last TO yuejie_app;
GRANT INSERT, SELECT ON TABLE contract_paper TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE credit_note TO yuejie_app;
GRANT INSERT, SELECT ON TABLE credit_note_line TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE credit_note_number TO yuejie_app;
GRANT INSERT, SELECT ON TABLE credit_rule TO yuejie_app;
GRANT USAGE ON SEQUENCE credit_rule_rule_id_seq TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE customer TO yuejie_app;
GRANT INSERT, SELECT ON TABLE customer_grant TO yuejie_app;
GRANT INSERT, SELECT ON TABLE customer_parent TO yuejie_app;
GRANT INSERT, SELECT ON TABLE customer_standing TO yuejie_app;
GRANT INSERT, SELECT ON TABLE deed TO yuejie_app;
GRANT USAGE ON SEQUENCE deed_deed_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE deletion TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE deployment TO yuejie_app;
GRANT INSERT, SELECT ON TABLE deposit_slip TO yuejie_app;
GRANT INSERT, SELECT ON TABLE deposit_slip_number TO yuejie_app;
GRANT INSERT, SELECT ON TABLE duty TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE epoch TO yuejie_app;
GRANT INSERT, SELECT ON TABLE epoch_closing TO yuejie_app;
GRANT INSERT, SELECT ON TABLE external_event TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_errand TO yuejie_app;
GRANT USAGE ON SEQUENCE fapiao_errand_errand_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_exchange TO yuejie_app;
GRANT USAGE ON SEQUENCE fapiao_exchange_exchange_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_file TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_form_look TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_line TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_red TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_red_line TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_red_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_seal TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_title TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_token TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fapiao_watch TO yuejie_app;
GRANT INSERT, SELECT ON TABLE finance_batch TO yuejie_app;
GRANT INSERT, SELECT ON TABLE finance_batch_entry TO yuejie_app;
GRANT INSERT, SELECT ON TABLE fx_rate TO yuejie_app;
GRANT USAGE ON SEQUENCE fx_rate_fx_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE gateway_probe TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE gateway_refusal TO yuejie_app;
GRANT INSERT, SELECT ON TABLE gateway_refused_call TO yuejie_app;
GRANT INSERT, SELECT ON TABLE incident TO yuejie_app;
GRANT INSERT, SELECT ON TABLE incident_update TO yuejie_app;
GRANT INSERT, SELECT ON TABLE invitation TO yuejie_app;
GRANT INSERT, SELECT ON TABLE job TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE job_answer TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE job_file TO yuejie_app;
GRANT INSERT, SELECT ON TABLE job_piece TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE journal TO yuejie_app;
GRANT INSERT, SELECT ON TABLE known_payer TO yuejie_app;
GRANT INSERT, SELECT ON TABLE late_fee TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ledger_balance TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ledger_entry TO yuejie_app;
GRANT USAGE ON SEQUENCE ledger_entry_entry_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ledger_posting TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE login TO yuejie_app;
GRANT INSERT, SELECT ON TABLE login_failure TO yuejie_app;
GRANT INSERT, SELECT ON TABLE margin_floor TO yuejie_app;
GRANT INSERT, SELECT ON TABLE member TO yuejie_app;
GRANT INSERT, SELECT ON TABLE member_token TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE model TO yuejie_app;
GRANT INSERT, SELECT ON TABLE model_grade TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE month_close TO yuejie_app;
GRANT INSERT, SELECT ON TABLE month_proof TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE node TO yuejie_app;
GRANT INSERT, SELECT ON TABLE notice TO yuejie_app;
GRANT INSERT, SELECT ON TABLE notice_attachment TO yuejie_app;
GRANT INSERT, SELECT ON TABLE notice_attempt TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE notice_channel TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE notice_contact TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE notice_copy TO yuejie_app;
GRANT INSERT, SELECT ON TABLE notice_message TO yuejie_app;
GRANT INSERT, SELECT ON TABLE notice_outcome TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE notice_rest TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE notice_sender TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE open_call TO yuejie_app;
GRANT INSERT, SELECT ON TABLE payer_authorisation TO yuejie_app;
GRANT INSERT, SELECT ON TABLE preservation TO yuejie_app;
GRANT INSERT, SELECT ON TABLE price_change TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE project TO yuejie_app;
GRANT INSERT, SELECT ON TABLE proposal TO yuejie_app;
GRANT INSERT, SELECT ON TABLE prospect TO yuejie_app;
GRANT INSERT, SELECT ON TABLE prospect_form TO yuejie_app;
GRANT INSERT, SELECT ON TABLE prospect_usage TO yuejie_app;
GRANT INSERT, SELECT ON TABLE prospect_usage_cell TO yuejie_app;
GRANT INSERT, SELECT ON TABLE protection TO yuejie_app;
GRANT INSERT, SELECT ON TABLE protection_policy TO yuejie_app;
GRANT INSERT, SELECT ON TABLE protection_transition TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE provider_account TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_balance TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_bill TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_bill_void TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_ceiling TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_credit TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_credit_void TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_payment TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_payment_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_report TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_report_line TO yuejie_app;
GRANT INSERT, SELECT ON TABLE provider_terms TO yuejie_app;
GRANT USAGE ON SEQUENCE provider_terms_terms_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE quote TO yuejie_app;
GRANT INSERT, SELECT ON TABLE quote_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE rate TO yuejie_app;
GRANT USAGE ON SEQUENCE rate_rate_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE receipt TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE receipt_candidate TO yuejie_app;
GRANT INSERT, SELECT ON TABLE receipt_claim TO yuejie_app;
GRANT INSERT, SELECT ON TABLE receipt_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE reconciliation TO yuejie_app;
GRANT INSERT, SELECT ON TABLE reconciliation_difference TO yuejie_app;
GRANT INSERT, SELECT ON TABLE refund TO yuejie_app;
GRANT INSERT, SELECT ON TABLE refund_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE report TO yuejie_app;
GRANT INSERT, SELECT ON TABLE report_run TO yuejie_app;
GRANT INSERT, SELECT ON TABLE reprieve TO yuejie_app;
GRANT INSERT, SELECT ON TABLE response_clock TO yuejie_app;
GRANT INSERT, SELECT ON TABLE response_miss TO yuejie_app;
GRANT INSERT, SELECT ON TABLE restoration TO yuejie_app;
GRANT INSERT, SELECT ON TABLE retention_term TO yuejie_app;
GRANT INSERT, SELECT ON TABLE session TO yuejie_app;
GRANT INSERT, SELECT ON TABLE share_rule TO yuejie_app;
GRANT INSERT, SELECT ON TABLE signing TO yuejie_app;
GRANT INSERT, SELECT ON TABLE signing_step TO yuejie_app;
GRANT USAGE ON SEQUENCE signing_step_step_id_seq TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE snapshot_revision TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE sso_attempt TO yuejie_app;
GRANT INSERT, SELECT ON TABLE sso_person TO yuejie_app;
GRANT INSERT, SELECT ON TABLE sso_provider TO yuejie_app;
GRANT INSERT, SELECT ON TABLE standing_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE statement_file TO yuejie_app;
GRANT INSERT, SELECT ON TABLE statement_line TO yuejie_app;
GRANT USAGE ON SEQUENCE statement_line_sequence_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE temporary_limit TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ticket TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ticket_file TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ticket_message TO yuejie_app;
GRANT INSERT, SELECT ON TABLE ticket_transition TO yuejie_app;
GRANT INSERT, SELECT ON TABLE trial TO yuejie_app;
GRANT INSERT, SELECT ON TABLE trial_cost TO yuejie_app;
GRANT INSERT, SELECT ON TABLE trial_policy TO yuejie_app;
GRANT INSERT, SELECT ON TABLE trial_request TO yuejie_app;
GRANT INSERT, SELECT ON TABLE usage_batch TO yuejie_app;
GRANT INSERT, SELECT ON TABLE usage_dimension TO yuejie_app;
GRANT USAGE ON SEQUENCE usage_dimension_dimension_id_seq TO yuejie_app;
GRANT INSERT, SELECT ON TABLE usage_event TO yuejie_app;
GRANT DELETE, INSERT, SELECT ON TABLE usage_late TO yuejie_app;
GRANT INSERT, SELECT, UPDATE ON TABLE usage_month TO yuejie_app;
GRANT INSERT, SELECT ON TABLE usage_partition TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE usage_rollup TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE usage_sum_house TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE usage_sum_model TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE usage_sum_place TO yuejie_app;
GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE usage_sum_whole TO yuejie_app;
GRANT SELECT, UPDATE ON TABLE usage_summed TO yuejie_app;
GRANT INSERT, SELECT ON TABLE virtual_account TO yuejie_app;
GRANT INSERT, SELECT ON TABLE waiver TO yuejie_app;
GRANT UPDATE (state) ON TABLE advice TO yuejie_app;
GRANT UPDATE (ended_at) ON TABLE advice_word TO yuejie_app;
GRANT UPDATE (cap), UPDATE (ended_at), UPDATE (forecasts), UPDATE (mode), UPDATE (output_bound), UPDATE (thresholds), UPDATE (why) ON TABLE allowance TO yuejie_app;
GRANT UPDATE (eased_at) ON TABLE allowance_alert TO yuejie_app;
GRANT UPDATE (granted), UPDATE (presumed), UPDATE (returned), UPDATE (used) ON TABLE allowance_grant TO yuejie_app;
GRANT UPDATE (ended), UPDATE (node_id) ON TABLE allowance_journal TO yuejie_app;
GRANT UPDATE (cap), UPDATE (ends_s), UPDATE (fx_id), UPDATE (leased), UPDATE (spent) ON TABLE allowance_window TO yuejie_app;
GRANT UPDATE (days_through), UPDATE (hours_through) ON TABLE anomaly_cursor TO yuejie_app;
GRANT UPDATE (expected), UPDATE (extra_pico), UPDATE (feedback), UPDATE (last_at), UPDATE (observed), UPDATE (quiet), UPDATE (score_milli), UPDATE (state) ON TABLE anomaly_finding TO yuejie_app;
GRANT UPDATE (state), UPDATE (used_at) ON TABLE anomaly_series TO yuejie_app;
GRANT UPDATE (false_alarms), UPDATE (muted_until) ON TABLE anomaly_word TO yuejie_app;
GRANT UPDATE (bank), UPDATE (holder) ON TABLE bank_account TO yuejie_app;
GRANT UPDATE (hours_through), UPDATE (settled_through) ON TABLE capacity_cursor TO yuejie_app;
GRANT UPDATE (withdrawn_at) ON TABLE certificate TO yuejie_app;
GRANT UPDATE (body), UPDATE (contract_id), UPDATE (reviewed_by), UPDATE (signed_by), UPDATE (state), UPDATE (version) ON TABLE contract_draft TO yuejie_app;
GRANT UPDATE (approved_at), UPDATE (approved_by), UPDATE (rejected_at), UPDATE (rejected_by), UPDATE (rejected_why), UPDATE (version) ON TABLE contract_end TO yuejie_app;
GRANT UPDATE (contract_id) ON TABLE contract_number TO yuejie_app;
GRANT UPDATE (last) ON TABLE contract_number_last TO yuejie_app;
GRANT UPDATE (approved_by), UPDATE (rejected_at), UPDATE (rejected_by), UPDATE (rejected_why) ON TABLE customer_grant TO yuejie_app;
GRANT UPDATE (covered), UPDATE (credit_step), UPDATE (episode), UPDATE (reason), UPDATE (since), UPDATE (state) ON TABLE customer_standing TO yuejie_app;
GRANT UPDATE (last) ON TABLE deposit_slip_number TO yuejie_app;
GRANT UPDATE (removed_at) ON TABLE duty TO yuejie_app;
GRANT UPDATE (approved_at), UPDATE (approved_by), UPDATE (delivered_at), UPDATE (issued_at), UPDATE (number), UPDATE (provider), UPDATE (state), UPDATE (why) ON TABLE fapiao TO yuejie_app;
GRANT UPDATE (asked), UPDATE (attempts), UPDATE (hold), UPDATE (next_at), UPDATE (state), UPDATE (why) ON TABLE fapiao_errand TO yuejie_app;
GRANT UPDATE (answered) ON TABLE fapiao_form_look TO yuejie_app;
GRANT UPDATE (answer), UPDATE (answered_at), UPDATE (answered_by), UPDATE (applied_at), UPDATE (approved_at), UPDATE (approved_by), UPDATE (expires_at), UPDATE (form_code), UPDATE (form_number), UPDATE (form_uuid), UPDATE (issued_at), UPDATE (number), UPDATE (reminded), UPDATE (state), UPDATE (why) ON TABLE fapiao_red TO yuejie_app;
GRANT UPDATE (address), UPDATE (bank_account), UPDATE (bank_name), UPDATE (cnaps), UPDATE (emails), UPDATE (is_default), UPDATE (mobile), UPDATE (name), UPDATE (natural_person), UPDATE (phone), UPDATE (state), UPDATE (tax_number) ON TABLE fapiao_title TO yuejie_app;
GRANT UPDATE (ends_at), UPDATE (starts_at), UPDATE (state) ON TABLE incident TO yuejie_app;
GRANT UPDATE (ended_at) ON TABLE invitation TO yuejie_app;
GRANT UPDATE (began_at), UPDATE (cancelled_by), UPDATE (done), UPDATE (ended_at), UPDATE (leased_until), UPDATE (outcome), UPDATE (run_at), UPDATE (run_from), UPDATE (runs), UPDATE (state), UPDATE (stood), UPDATE (total), UPDATE (why), UPDATE (worker) ON TABLE job TO yuejie_app;
GRANT UPDATE (path), UPDATE (said), UPDATE (state), UPDATE (sums) ON TABLE job_piece TO yuejie_app;
GRANT UPDATE (revoked_at), UPDATE (role) ON TABLE member TO yuejie_app;
GRANT UPDATE (revoked_at), UPDATE (used_at) ON TABLE member_token TO yuejie_app;
GRANT UPDATE (bills), UPDATE (proved_at) ON TABLE month_proof TO yuejie_app;
GRANT UPDATE (channels), UPDATE (handed_on_at) ON TABLE notice TO yuejie_app;
GRANT UPDATE (message_id), UPDATE (ready_at) ON TABLE notice_copy TO yuejie_app;
GRANT UPDATE (attempts), UPDATE (due_at), UPDATE (ended_at), UPDATE (forgiven), UPDATE (leased_until), UPDATE (state) ON TABLE notice_message TO yuejie_app;
GRANT UPDATE (lifted_at), UPDATE (lifted_by), UPDATE (lifted_why) ON TABLE preservation TO yuejie_app;
GRANT UPDATE (decided_at), UPDATE (decided_by), UPDATE (decided_why), UPDATE (revision), UPDATE (state) ON TABLE price_change TO yuejie_app;
GRANT UPDATE (state) ON TABLE protection TO yuejie_app;
GRANT UPDATE (ended_at) ON TABLE protection_policy TO yuejie_app;
GRANT UPDATE (bank), UPDATE (bank_reference), UPDATE (charges_fen), UPDATE (decided_at), UPDATE (decided_by), UPDATE (paid_at), UPDATE (paid_currency), UPDATE (paid_fen), UPDATE (state) ON TABLE provider_payment TO yuejie_app;
GRANT UPDATE (state) ON TABLE quote TO yuejie_app;
GRANT UPDATE (customer_id), UPDATE (state) ON TABLE receipt TO yuejie_app;
GRANT UPDATE (answer), UPDATE (decided_at), UPDATE (decided_by), UPDATE (receipt_id), UPDATE (state) ON TABLE receipt_claim TO yuejie_app;
GRANT UPDATE (decided_at), UPDATE (decided_by), UPDATE (line_id), UPDATE (paid_on), UPDATE (state) ON TABLE refund TO yuejie_app;
GRANT UPDATE (ended_at), UPDATE (name), UPDATE (next_at), UPDATE (recipients), UPDATE (schedule), UPDATE (spec) ON TABLE report TO yuejie_app;
GRANT UPDATE (stopped_at), UPDATE (warned_at) ON TABLE response_clock TO yuejie_app;
GRANT UPDATE (reopened_at), UPDATE (reopened_by) ON TABLE restoration TO yuejie_app;
GRANT UPDATE (ended_at), UPDATE (seen_at) ON TABLE session TO yuejie_app;
GRANT UPDATE (attempts), UPDATE (next_at), UPDATE (note), UPDATE (state), UPDATE (task), UPDATE (url) ON TABLE signing TO yuejie_app;
GRANT UPDATE (used_at) ON TABLE sso_attempt TO yuejie_app;
GRANT UPDATE (bound_at), UPDATE (email), UPDATE (provider_id), UPDATE (subject) ON TABLE sso_person TO yuejie_app;
GRANT UPDATE (ended_at) ON TABLE sso_provider TO yuejie_app;
GRANT UPDATE (approved_by), UPDATE (ended_at), UPDATE (ended_by), UPDATE (ended_why), UPDATE (rejected_at), UPDATE (rejected_by), UPDATE (rejected_why) ON TABLE temporary_limit TO yuejie_app;
GRANT UPDATE (severity), UPDATE (state), UPDATE (state_at) ON TABLE ticket TO yuejie_app;
GRANT UPDATE (key_id) ON TABLE trial TO yuejie_app;
GRANT UPDATE (decided_at), UPDATE (decided_by), UPDATE (state), UPDATE (why) ON TABLE trial_request TO yuejie_app;
GRANT UPDATE (deleted_at), UPDATE (purged_at), UPDATE (verified_at) ON TABLE usage_batch TO yuejie_app;
GRANT UPDATE (changed_at), UPDATE (rows), UPDATE (state) ON TABLE usage_partition TO yuejie_app;
GRANT UPDATE (decided_at), UPDATE (decided_by), UPDATE (state) ON TABLE waiver TO yuejie_app;
