"""The database: how is it kept?

Owns: connections and transactions, the types that cross them, the embedded PostgreSQL,
migrations and their sum `schema.sql`, the translation of the database's bad news into ours,
the noun of a row that a change of state leaves behind.
Does not own: any query of a room (each room's `store.py`), what a table means, when to migrate
(the command line), where the data lies and which address is used (settings).

Two roles meet the data: `yuejie_owner` owns the tables and runs migrations, `yuejie_app` runs
everything else with what migrations granted it. Migrations create no role: the embedded server
makes both, elsewhere the administrator does.

Invariants:
- a deed is one visible transaction, `with db.begin() as tx`; what raises inside leaves nothing;
- lost while committing is never called undone: `CommitUncertain` says that nobody knows;
- whole NUMERICs are int, fractional ones Decimal, instants aware and UTC; no float comes out of
  JSON or NUMERIC, and no naive datetime goes in;
- a migration and its mark are one transaction, applied once by one process, forward only, and an
  applied file that was edited since is refused;
- `schema.sql` is what the migrations build, to the byte, on every supported PostgreSQL;
- the embedded server never runs as root, opens no TCP port, trusts nobody, and survives kill -9;
  it dies with the process that started it.
"""
