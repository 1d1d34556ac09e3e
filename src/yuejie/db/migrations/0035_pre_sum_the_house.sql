-- 0035_pre_sum_the_house
-- Why: the operator's pages ask what everybody used, by day and model; of a thousand customers
--      those are a quarter of a million sums a month, and the pages are to take half a second.
-- Lock: SHARE ROW EXCLUSIVE on usage_sum_model while the house is summed once, a second per
--       million rows; only the clerk that folds usage waits for it.

SET LOCAL lock_timeout = '5s';

-- What everybody used: usage_sum_model without whose it is. A local day of one customer is beside
-- the same day of another, whatever their zones; weeks and hours nobody asks of the whole house.
CREATE TABLE usage_sum_house (
    grain         TEXT NOT NULL CHECK (grain IN ('day', 'month')),
    month         CHAR(7) NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    deployment_id TEXT NOT NULL,
    model         TEXT NOT NULL,
    meter         TEXT NOT NULL,
    sale_rate     BIGINT NOT NULL,
    cost_rate     BIGINT NOT NULL,
    state         TEXT NOT NULL,
    quantity      NUMERIC(38,0) NOT NULL,
    PRIMARY KEY (grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state)
) WITH (fillfactor = 80);

-- Kept by the database itself, so that whatever changes a customer's sums changes the house's in
-- the same transaction: also a clerk of the release before.
CREATE FUNCTION sum_the_house() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $$
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
END $$;

CREATE TRIGGER usage_sum_model_added AFTER INSERT ON usage_sum_model
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();
CREATE TRIGGER usage_sum_model_changed AFTER UPDATE ON usage_sum_model
    REFERENCING OLD TABLE AS gone NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();
CREATE TRIGGER usage_sum_model_removed AFTER DELETE ON usage_sum_model
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION sum_the_house();

INSERT INTO usage_sum_house
SELECT grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state, sum(quantity)
FROM usage_sum_model WHERE grain IN ('day', 'month') GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

GRANT SELECT, INSERT, UPDATE, DELETE ON usage_sum_house TO yuejie_app;
