"""After a restore, numbers that were given out before the loss are never given out again.

Journals and snapshots may name a rate or a dimension that the restored database does not know.
Unknown it is found; taken by another it would be a wrong price.
"""

from typing import Final

from yuejie.db.session import connected

GAP: Final = 100_000
"""More than any table is given in the time between two backups; an INTEGER has room for 20,000."""
_SKIP: Final = """
    SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass,
                  coalesce(last_value, start_value) + %(gap)s)
      FROM pg_sequences
     WHERE schemaname = 'public'
       AND coalesce(last_value, start_value) + %(gap)s < max_value
"""


def leave_gap(url: str) -> int:
    """Move every sequence on by a gap, as their owner; return how many there are."""
    with connected(url, name="yuejie restore") as connection:
        return connection.execute(_SKIP, {"gap": GAP}).rowcount
