from pathlib import Path

import psycopg
import pytest

from tests.postgres import Execute, Urls, fresh_database, open_folder
from yuejie.db.dump import SCHEMA_FILE, dump, rewrite
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import MigrationRefused
from yuejie.db.migrate import migrate

MARKS = "CREATE TABLE schema_migration (name TEXT)"

EVERYTHING = """
    CREATE TYPE mood AS ENUM ('glad', 'it''s fine');
    CREATE DOMAIN fen AS BIGINT NOT NULL DEFAULT 0 CHECK (VALUE > -10);
    CREATE SEQUENCE counter START 5 CYCLE MAXVALUE 9;
    CREATE TABLE plain (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        serial SERIAL,
        mood mood NOT NULL DEFAULT 'glad',
        "Odd Name" TEXT COLLATE "C" UNIQUE,
        amount fen,
        half NUMERIC(38,0) GENERATED ALWAYS AS (amount / 2) STORED,
        tags TEXT[],
        during TSRANGE,
        CONSTRAINT positive CHECK (amount >= 0),
        EXCLUDE USING gist (during WITH &&)
    ) WITH (fillfactor = 70);
    CREATE UNLOGGED TABLE child (plain_id BIGINT REFERENCES plain ON DELETE CASCADE DEFERRABLE);
    CREATE TABLE parent (id UUID PRIMARY KEY, n INT) PARTITION BY RANGE (id);
    CREATE INDEX parent_n ON parent (n DESC) WHERE n > 0;
    CREATE TABLE a_part PARTITION OF parent
        FOR VALUES FROM (MINVALUE) TO ('80000000-0000-0000-0000-000000000000');
    CREATE TABLE b_part PARTITION OF parent (CONSTRAINT small CHECK (n < 9)) DEFAULT;
    CREATE INDEX ON plain (lower("Odd Name")) INCLUDE (amount);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE FUNCTION secret(n INT DEFAULT 1) RETURNS INT LANGUAGE sql SECURITY DEFINER
        SET search_path = public AS 'SELECT n';
    REVOKE ALL ON FUNCTION secret FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION secret TO yuejie_app;
    CREATE TRIGGER noted AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION note();
    CREATE VIEW shown WITH (security_invoker = true) AS SELECT id FROM plain;
    CREATE MATERIALIZED VIEW kept AS SELECT id FROM shown;
    CREATE UNIQUE INDEX kept_id ON kept (id);
    COMMENT ON TABLE plain IS 'it''s 月结';
    COMMENT ON COLUMN plain.mood IS 'how';
    COMMENT ON VIEW shown IS 'seen';
    COMMENT ON FUNCTION note IS 'notes';
    GRANT SELECT, UPDATE (mood, amount) ON plain TO yuejie_app WITH GRANT OPTION;
    GRANT INSERT ON parent TO PUBLIC;
    GRANT USAGE ON SEQUENCE counter TO yuejie_app;
"""


def build(url: str, schema: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MARKS.encode())
        connection.execute(schema.encode())


def test_the_schema_file_is_the_sum_of_the_migrations(owner_url: str) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == dump(owner_url), (
        "schema.sql 与迁移不一致；请执行 python -m yuejie.db.dump 并检查差异"
    )


def test_the_schema_file_builds_the_same_database(blank: Urls) -> None:
    schema = SCHEMA_FILE.read_text(encoding="utf-8")
    build(blank.owner, schema)
    assert dump(blank.owner) == schema


def test_the_schema_is_the_same_on_postgresql_18(owner_url: str) -> None:
    with open_folder() as home, EmbeddedPostgres(home, fast=True, major=18) as newer:
        migrate(newer.url("owner"))
        assert dump(newer.url("owner")) == dump(owner_url)


def test_whatever_is_dumped_can_be_built_again(postgres: EmbeddedPostgres, blank: Urls) -> None:
    build(blank.owner, EVERYTHING)
    schema = dump(blank.owner)
    with fresh_database(postgres, "template0") as second:
        build(second.owner, schema)
        assert dump(second.owner) == schema
    for line in (
        '    "Odd Name" text COLLATE "C",',
        "CREATE UNLOGGED TABLE child (",
        "    CONSTRAINT small CHECK ((n < 9))",
        "GRANT SELECT ON TABLE plain TO yuejie_app WITH GRANT OPTION;",
        "GRANT UPDATE (amount), UPDATE (mood) ON TABLE plain TO yuejie_app WITH GRANT OPTION;",
        "REVOKE ALL ON FUNCTION secret(integer) FROM PUBLIC;",
    ):
        assert line in schema.splitlines()


@pytest.mark.parametrize(
    "strange",
    [
        "CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING",
        "CREATE POLICY p ON a",
        "CREATE TABLE b () INHERITS (a)",
        "CREATE TYPE pair AS (x INT)",
        "CREATE SCHEMA another",
        "CREATE AGGREGATE total(INT) (SFUNC = int4pl, STYPE = INT)",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO yuejie_app",
    ],
)
def test_what_cannot_be_written_down_is_refused(
    blank: Urls, execute: Execute, strange: str
) -> None:
    execute(MARKS)
    execute("CREATE TABLE a (n INT)")
    execute(strange)
    with pytest.raises(MigrationRefused, match="写不出来"):
        dump(blank.owner)


def test_the_schema_file_is_written_by_one_call(tmp_path: Path, owner_url: str) -> None:
    rewrite(tmp_path / "schema.sql")
    assert (tmp_path / "schema.sql").read_text(encoding="utf-8") == dump(owner_url)
