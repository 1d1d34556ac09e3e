"""Usage: what was used?

Owns: meters, usage events and their corrections, the journal's format, dialects (what a provider's
usage object means), rollups and their sums by day and month (`sums`), the rebuild of both, the
questions people ask about usage, the worklist.
Does not own: how usage gets here (intake), what it is worth (rating), what was agreed (contracts),
whether it is too much (budgets).

Invariants:
- an event is never edited: a correction is the next version, and the highest version counts;
- an event and its share of the rollups are written in one transaction, under one epoch;
- a rollup is quantities only and can be rebuilt from the events, to the byte;
- sums + what came late and is not folded + hours behind the watermark = rollups, at any moment;
- what cannot be measured or priced is on the worklist; nothing is silently free.
"""
