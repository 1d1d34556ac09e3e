-- 0041_pre_create_price_changes
-- Why: who imports a price file also ticked the approval of what it changes; a change of what is
--      charged needs a second person, who approves exactly what was looked at.
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- What was asked for is stored whole: the completed lists that would be published, the report as it
-- was shown, and which revision each model's list stood in then (0: none). `starts_at` is NULL where
-- it starts ten minutes after its approval.
CREATE TABLE price_change (
    change_id   TEXT PRIMARY KEY,
    book_id     TEXT NOT NULL REFERENCES book,
    starts_at   TIMESTAMPTZ,
    source      TEXT NOT NULL,
    lists       JSONB NOT NULL,
    stands      JSONB NOT NULL,
    remarks     JSONB NOT NULL,
    body_hash   BYTEA NOT NULL,
    why         TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_at    TIMESTAMPTZ NOT NULL,
    state       TEXT NOT NULL DEFAULT 'asked'
                CHECK (state IN ('asked', 'approved', 'rejected', 'withdrawn')),
    decided_by  TEXT,
    decided_at  TIMESTAMPTZ,
    decided_why TEXT NOT NULL DEFAULT '',
    revision    INTEGER,
    CHECK ((state = 'asked') = (decided_by IS NULL)),
    CHECK ((state = 'asked') = (decided_at IS NULL)),
    CHECK ((state = 'approved') = (revision IS NOT NULL)),
    CHECK (state NOT IN ('approved', 'rejected') OR decided_by <> asked_by),
    CHECK (state <> 'withdrawn' OR decided_by = asked_by),
    FOREIGN KEY (book_id, revision) REFERENCES book_revision
);
CREATE INDEX price_change_open ON price_change (change_id) WHERE state = 'asked';
CREATE INDEX price_change_of_book ON price_change (book_id, change_id);

-- What was asked for never changes; what was decided never changes at all.
CREATE FUNCTION refuse_change_of_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;
CREATE TRIGGER price_change_frozen BEFORE UPDATE ON price_change
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_price_change();

GRANT SELECT, INSERT ON price_change TO yuejie_app;
GRANT UPDATE (state, decided_by, decided_at, decided_why, revision) ON price_change TO yuejie_app;
