"""Presales: what would it cost, and is it worth it?

Owns: prospects and what they need (versions of their forms), the grades of models that proposals
go by, past usage that a prospect hands in, quotes with their life and the trace of every figure,
the floor margin, comparisons with prepayment and with other offers; proposals on paper and the
certificates they may print (`proposal`), trials from the request to the contract (`trial`).
Does not own: prices and contracts (contracts), what usage is worth (rating), how a month's terms
and tax come about (bills), customers and their usage; a prospect is none of these until it signs.

Invariants:
- nothing but a trial, and the draft that follows an accepted quote, makes a customer here; nothing
  but a trial a contract, and nothing a usage event;
- what is used in a trial is worth nothing on any bill, by the rates of its contract;
- an accepted quote is drafted once, and the draft says what the quote said (`life`);
- a quote never changes: another one is its next version; its book revisions, exchange rate and
  last day are written in it;
- every number that a proposal prints is a figure of its quote's trace, or is quoted from a field, a
  term or a record; what is printed is kept with it, and a number of no origin is told (`traced`);
- every figure of a quote is computed again from its trace: inputs of the form, price rows, terms,
  assumptions; `check_trace` finds the one that is not;
- a replay of a past month under a contract's own prices and terms is that month's bill;
- a quote that earns less than the floor margin is offered to nobody before another person with the
  power has approved it.
"""
