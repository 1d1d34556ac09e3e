"""Budgets: is it too much?

Owns: allowances (caps on money, tokens, requests and calls at once, over a period, for a scope),
their windows, leases and what is spent of them, thresholds and who is told of them.
Does not own: what a call is worth (rating), whether one call may pass (gateway), what a customer
owes or has prepaid (payments pushes it here as a cap), who is told how (notices).

Invariants:
- of a window, spent + leased never exceeds the cap by a lease: what is leased was looked at
  together with all other scopes of the call, under their locks, in the order of their numbers;
- leased = what journals were given and have neither used nor given back; it comes back only with
  the ingest of their journal, never with time;
- spent = the usage of the window at its rates + the worst case of calls nobody could measure;
  `yuejie budgets check` computes it again from the rollups;
- a threshold is told once per window.
"""
