"""The schema as text: the catalogue of a migrated database, written as SQL that builds it again.

`schema.sql` is this text for all migrations together; a test keeps it equal, and builds it once
more to see that it says everything. Write it anew with `python -m yuejie.db.dump`.

Our own text instead of pg_dump's, because pg_dump's differs from version to version, and this must
be the same on every PostgreSQL that we promise to run on. Each constant below is one question to
pg_catalog, answered with statements, in an order that a database accepts: types, sequences,
functions, tables with their keys and checks, foreign keys, views, indexes, triggers, comments,
grants. What no migration uses (rules, policies, inheritance, event triggers) is refused, not
left out in silence. Rows that a migration inserts are data, not schema.
"""

import tempfile
from pathlib import Path
from typing import Any, Final, LiteralString

from psycopg import Connection

from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import MigrationRefused
from yuejie.db.migrate import migrate
from yuejie.db.session import connected

SCHEMA_FILE: Final = Path(__file__).parent / "schema.sql"
_HEADER: Final = """\
-- The sum of all migrations: what they build, written by `python -m yuejie.db.dump`.
-- Never edited by hand, never applied in production; a test keeps it equal to the migrations.

SET check_function_bodies = off;
"""

# Names resolve without a schema; the marks of migrations are the mechanism's, not the schema's.
_PATH: Final = "SELECT set_config('search_path', 'public', false)"

_UNKNOWN: Final = """
    SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = 'public'
    UNION ALL SELECT 'policy ' || policyname FROM pg_policies WHERE schemaname = 'public'
    UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
    UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
               WHERE nspname <> 'public' AND nspname <> 'information_schema' AND nspname !~ '^pg_'
    UNION ALL SELECT 'inheritance of ' || inhrelid::regclass FROM pg_inherits
               JOIN pg_class c ON c.oid = inhrelid
               WHERE NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'statistics ' || stxname FROM pg_statistic_ext
    UNION ALL SELECT 'relation ' || relname FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN
                     ('r', 'p', 'i', 'I', 'S', 'v', 'm', 'c', 't')
    UNION ALL SELECT 'aggregate or procedure ' || proname FROM pg_proc
               WHERE pronamespace = 'public'::regnamespace AND prokind = 'a'
    UNION ALL SELECT 'type ' || typname FROM pg_type t
               WHERE typnamespace = 'public'::regnamespace
                 AND (typtype NOT IN ('b', 'c', 'd', 'e')
                      OR EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND relkind = 'c'))
    UNION ALL SELECT 'default privileges' FROM pg_default_acl
    ORDER BY 1
"""

_TYPES: Final = """
    SELECT format('CREATE TYPE %I AS ENUM (%s);', typname,
                  string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder))
      FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
     WHERE typnamespace = 'public'::regnamespace GROUP BY typname
    UNION ALL
    SELECT format('CREATE DOMAIN %I AS %s', typname, format_type(typbasetype, typtypmod))
           || CASE WHEN typnotnull THEN ' NOT NULL' ELSE '' END
           || COALESCE(' DEFAULT ' || typdefault, '')
           || COALESCE((SELECT string_agg(format(' CONSTRAINT %I %s', conname,
                                                 pg_get_constraintdef(k.oid)), '' ORDER BY conname)
                          FROM pg_constraint k WHERE contypid = t.oid AND contype = 'c'), '') || ';'
      FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
    ORDER BY 1
"""

_SEQUENCES: Final = """
    SELECT format('CREATE SEQUENCE %I AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s',
                  c.relname, format_type(seqtypid, NULL), seqincrement, seqmin, seqmax, seqstart)
           || format(' CACHE %s%s;', seqcache, CASE WHEN seqcycle THEN ' CYCLE' END)
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
     WHERE c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')
     ORDER BY c.relname
"""

_OWNED_SEQUENCES: Final = """
    SELECT format('ALTER SEQUENCE %I OWNED BY %s.%I;', c.relname, refobjid::regclass, attname)
      FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
      JOIN pg_attribute a ON a.attrelid = refobjid AND a.attnum = refobjsubid
     WHERE d.deptype = 'a' AND d.classid = 'pg_class'::regclass
       AND c.relnamespace = 'public'::regnamespace
     ORDER BY c.relname
"""

_FUNCTIONS: Final = """
    SELECT rtrim(pg_get_functiondef(oid), E'\\n') || ';' FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p', 'w')
     ORDER BY proname, pg_get_function_identity_arguments(oid)
"""

# A partition comes after its parent, and otherwise by name; foreign keys come later.
_TABLES: Final = """
    SELECT c.oid,
           format('CREATE %sTABLE %I', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' END, relname)
           || COALESCE(' PARTITION OF ' || (SELECT inhparent::regclass FROM pg_inherits
                                             WHERE inhrelid = c.oid AND relispartition), ''),
           relispartition,
           COALESCE(' ' || pg_get_expr(relpartbound, c.oid), '')
           || COALESCE(' PARTITION BY ' || pg_get_partkeydef(c.oid), '')
           || COALESCE(' WITH (' || array_to_string(reloptions, ', ') || ')', '')
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND c.relname <> 'schema_migration'
     ORDER BY relispartition, (SELECT count(*) FROM pg_partition_ancestors(c.oid)), c.relname
"""

_COLUMNS: Final = """
    SELECT attrelid,
           format('%I %s', attname, format_type(atttypid, atttypmod))
           || CASE WHEN attcollation <> typcollation
                   THEN format(' COLLATE %s', attcollation::regcollation) ELSE '' END
           || CASE attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY'
                               WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY' ELSE '' END
           || CASE attgenerated WHEN 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', value)
                                ELSE COALESCE(' DEFAULT ' || value, '') END
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
      FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
      LEFT JOIN LATERAL (SELECT pg_get_expr(adbin, adrelid) AS value FROM pg_attrdef
                          WHERE adrelid = attrelid AND adnum = attnum) d ON true
      JOIN pg_class c ON c.oid = attrelid AND relkind IN ('r', 'p') AND NOT relispartition
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum
"""

# NOT NULL stands with its column: only PostgreSQL 18 knows it as a constraint as well.
_KEYS: Final = """
    SELECT conrelid, format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
      FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
       AND contype IN ('p', 'u', 'c', 'x') AND conparentid = 0 AND conislocal
     ORDER BY array_position('{p,u,x,c}'::"char"[], contype), conname
"""

_FOREIGN_KEYS: Final = """
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', conrelid::regclass, conname,
                  pg_get_constraintdef(oid))
      FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND contype = 'f' AND conparentid = 0
     ORDER BY conrelid::regclass::text, conname
"""

_INDEXES: Final = """
    SELECT pg_get_indexdef(indexrelid) || ';' FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
     WHERE c.relnamespace = 'public'::regnamespace AND indrelid <> 'schema_migration'::regclass
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
       AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
     ORDER BY indrelid::regclass::text, c.relname
"""

_VIEWS: Final = """
    SELECT format('CREATE %s %I%s AS %s',
                  CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, relname,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')',
                  E'\\n' || pg_get_viewdef(oid, true))
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
     ORDER BY oid
"""

_TRIGGERS: Final = """
    SELECT pg_get_triggerdef(t.oid) || ';' FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
     WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace AND tgparentid = 0
     ORDER BY c.relname, tgname
"""

_COMMENTS: Final = """
    SELECT format('COMMENT ON %s %s IS %L;',
                  CASE WHEN objsubid > 0 THEN 'COLUMN' ELSE CASE relkind
                       WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                       WHEN 'i' THEN 'INDEX' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END END,
                  objoid::regclass || COALESCE('.' || quote_ident(attname), ''), description)
      FROM pg_description d JOIN pg_class c ON c.oid = objoid
      LEFT JOIN pg_attribute a ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
     WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('COMMENT ON FUNCTION %s IS %L;', objoid::regprocedure, description)
      FROM pg_description JOIN pg_proc p ON p.oid = objoid
     WHERE classoid = 'pg_proc'::regclass AND pronamespace = 'public'::regnamespace
    ORDER BY 1
"""

# The owner's own rights go without saying. An empty ACL of a function lets everybody run it.
# MAINTAIN came with PostgreSQL 17 and no migration may count on it.
_GRANTS: Final = """
    WITH held AS (
        SELECT relname AS thing, 2 AS place, relowner AS owner, '' AS part, relacl AS acl,
               CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::regclass AS target
          FROM pg_class WHERE relnamespace = 'public'::regnamespace
                          AND relname <> 'schema_migration'
        UNION ALL
        SELECT relname, 3, relowner, format(' (%I)', attname), attacl, 'TABLE ' || c.oid::regclass
          FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
        UNION ALL
        SELECT proname, 4, proowner, '', proacl, 'FUNCTION ' || oid::regprocedure
          FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT nspname, 1, nspowner, '', nspacl, 'SCHEMA ' || quote_ident(nspname)
          FROM pg_namespace WHERE nspname = 'public'
    ), rights AS (
        SELECT place, thing, target, is_grantable, part, privilege_type,
               CASE grantee WHEN 0 THEN 'PUBLIC'
                            ELSE quote_ident(pg_get_userbyid(grantee)) END AS who
          FROM held, aclexplode(acl)
         WHERE grantee <> owner AND NOT (place IN (1, 4) AND grantee = 0)
           AND privilege_type <> 'MAINTAIN'
    )
    SELECT place, thing, format('GRANT %s ON %s TO %s%s;',
               string_agg(privilege_type || part, ', ' ORDER BY privilege_type, part), target, who,
               CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS said
      FROM rights GROUP BY place, thing, target, who, is_grantable
    UNION ALL
    SELECT place, thing, format('REVOKE ALL ON %s FROM PUBLIC;', target) FROM held
     WHERE place = 4 AND acl IS NOT NULL
       AND NOT EXISTS (SELECT FROM aclexplode(acl) WHERE grantee = 0)
    ORDER BY 1, 2, 3
"""


def dump(url: str) -> str:
    """Return the schema of a database as SQL, the same text for the same schema."""
    with connected(url, name="yuejie dump") as connection, connection.transaction():
        connection.execute(_PATH)
        if strange := _lines(connection, _UNKNOWN):
            raise MigrationRefused(
                f"数据库里有 schema.sql 写不出来的东西：{'、'.join(strange)}；"
                "请从迁移中去掉，或让 db/dump.py 学会它"
            )
        parts = [
            _lines(connection, _TYPES),
            _lines(connection, _SEQUENCES),
            _spaced(_lines(connection, _FUNCTIONS)),
            _spaced(_tables(connection)),
            _lines(connection, _OWNED_SEQUENCES),
            _lines(connection, _FOREIGN_KEYS),
            _spaced(_lines(connection, _VIEWS)),
            _lines(connection, _INDEXES),
            _lines(connection, _TRIGGERS),
            _lines(connection, _COMMENTS),
            [said for _, _, said in connection.execute(_GRANTS).fetchall()],
        ]
    return "\n".join([_HEADER, *("\n".join(part) + "\n" for part in parts if part)])


def rewrite(path: Path = SCHEMA_FILE) -> None:
    """Run the migrations on a fresh embedded server, and write down the schema they made."""
    with tempfile.TemporaryDirectory(prefix="yj-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), fast=True) as postgres:
            migrate(postgres.url("owner"))
            path.write_text(dump(postgres.url("owner")), encoding="utf-8")


def _lines(connection: Connection[Any], question: LiteralString) -> list[str]:
    return [said for (said,) in connection.execute(question).fetchall()]


def _spaced(statements: list[str]) -> list[str]:
    """Put an empty line between statements that are longer than one."""
    return ["\n\n".join(statements)] if statements else []


def _tables(connection: Connection[Any]) -> list[str]:
    parts: dict[int, list[str]] = {}
    for question in (_COLUMNS, _KEYS):
        for oid, said in connection.execute(question).fetchall():
            parts.setdefault(oid, []).append(said)
    return [
        f"{start}{_body(parts.get(oid, []), is_partition=is_partition)}{end};"
        for oid, start, is_partition, end in connection.execute(_TABLES).fetchall()
    ]


def _body(parts: list[str], *, is_partition: bool) -> str:
    """Write columns and keys in parentheses; a partition has its columns from its parent."""
    if is_partition and not parts:
        return ""
    return " (\n    " + ",\n    ".join(parts) + "\n)"


if __name__ == "__main__":
    rewrite()
