"""Recovery: what if everything is lost?

Owns: following a house into its place of backups (the database's log, journals, base backups by
the clock), the secrets under a passphrase, bringing a house back to an instant, what must be done
before it works again, the proof that it is whole, and the drill that rehearses all of it.
Does not own: how a base backup is taken or replayed (db), what a journal says (usage, intake),
what balanced books are (ledger, assurance).

Invariants:
- what is in the database is there with its journals' offsets, what is not is in the journals: a
  restore to any instant reads exactly the rest, and doubles nothing;
- after a restore nothing is lent until every journal begun before it is read to its end or given
  up, and what may have left for the tax platform is asked about before it is sent;
- a restore never overwrites data, and a backup that fails its checksums never appears.
"""
