"""What all tables hold, as checksums: whoever promises to write nothing is held to it."""

from yuejie.db.session import Database


def rows_of(db: Database) -> dict[str, str]:
    """Return a checksum of every table, and the last value of every sequence."""
    with db.read(consistent=True) as tx, tx.cursor as cursor:
        cursor.execute("SELECT sequencename, last_value::text FROM pg_sequences")
        found = {name: str(value) for name, value in cursor.fetchall()}
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace"
            " AND has_table_privilege(oid, 'SELECT') ORDER BY 1"
        )
        for (name,) in cursor.fetchall():
            sums = f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t"  # noqa: S608 - names of our own tables
            cursor.execute(sums)
            found[name] = str(cursor.fetchone())
        return found
