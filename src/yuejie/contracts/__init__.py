"""Contracts: what did we agree?

Owns: the catalogue (models, deployments, provider accounts, notices of deprecation), price books
and their revisions, contracts, exchange rates, the reading and checking of price files.
Does not own: what a call is worth (rating), what was used (usage), who the customer is (customers),
whether credentials decrypt (whoever calls the provider).

Invariants:
- a book only grows: a revision once published never changes, the next one that names a model ends
  that model's price list;
- at any instant, service tier and context size a published list has exactly one rate for a meter
  it names, and nothing is priced by default: the rates a list borrows from another meter are
  written down and reported when it is published;
- a price file is imported whole or not at all, and every line that was refused, skipped or
  filled in is in the report;
- publishing a sale revision writes the converted rates of every card book that depends on it, in
  the same transaction;
- a contract is changed by signing its next version.
"""
