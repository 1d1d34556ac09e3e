"""How does the house do? Figures for whoever is on call, as Prometheus reads them.

Owns: the numbers that no single process has (what waits, since when, how far behind), the room on
a node's disk, and the port at which a process is read.
Does not own: what a process counts of itself (it tells that itself), nor alerts: those are rules
in deploy/prometheus, each with its runbook.

Invariants:
- no figure names a customer, a key or a person;
- what could not be read is not told: an old figure would lie.
"""
