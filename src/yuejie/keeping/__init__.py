"""Keeping: what is kept, for how long, and who may have it?

Owns: how long each kind of record is kept (`kinds`, `terms`), what must not be deleted
(`preserve`), deleting what is past its term (`apply`), forgetting people (`forget`), and giving one
customer everything there is of it (`whole`, by the tables of `scope`).
Does not own: where raw events lie (usage.warehouse), what a month's pack holds (packs), the
records themselves.

Invariants:
- nothing is deleted before its term, nothing that is preserved, and each deletion is written down;
- bills, fapiao, vouchers and the record of deeds are never deleted by a program: what is past its
  term is listed for people to appraise;
- what is sealed stays byte-equal, whoever is forgotten;
- everything of a customer is every table, and a table that nobody classed fails a test.
"""
