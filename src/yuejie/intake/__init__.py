"""Intake: how does usage arrive?

Owns: following the gateways' journals into the database, pushed events, imported files, the
identity of what comes from outside, pricing what the gateway did not price.
Does not own: the journal's format, events and rollups themselves (usage), rates (contracts),
which rate applies (rating).

Invariants:
- a journal's records, its offset and the rollups move in one transaction: each call is exactly
  one event, whoever is killed in between, and whoever else reads the same journal;
- a begun call without an end becomes `unmeasured` once its writer is dead, never before;
- damage inside a journal parks it and raises an alarm; nothing is skipped silently;
- an outside event is stored once per (source, id), for ever; the same id with other contents is
  refused and named;
- importing a file again adds nothing, and every line is either an event or in the reject file.
"""
