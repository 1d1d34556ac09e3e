"""Contracts: what did we agree?

Owns: the catalogue (models, deployments, provider accounts, notices of deprecation), auto models
and the versions of their policies, price books and their revisions, contracts and their whole life
(drafts, review, signature, amendment, renewal, end), prices of one contract, credit classes and
temporary limits, packages and vouchers, the text of contracts and their papers, requests for
signature, exchange rates, the reading of price files.
Does not own: what a call is worth (rating), what was used (usage), who the customer is (customers),
whether credentials decrypt (whoever calls the provider), what a contract's terms come to (bills),
what was paid (payments).

Invariants:
- a book only grows: a revision once published never changes, the next one that names a model ends
  that model's price list;
- at any instant, service tier and context size a published list has exactly one rate for a meter
  it names, and nothing is priced by default: the rates a list borrows from another meter are
  written down and reported when it is published;
- a price file is imported whole or not at all, and every line that was refused, skipped or
  filled in is in the report;
- what changes a price is kept whole when it is asked for, and is published as it was looked at once
  another person approves it (`changes`); whoever runs the machine may publish without;
- publishing a sale revision writes the converted rates of every card book, and the derived rates of
  every contract's book, that depend on it, in the same transaction;
- a derived rate is rounded once to a pico and never above the list's; while prices are locked no
  rate of the contract rises, and a fall reaches it at once;
- a contract is changed by signing its next version, and nobody signs what it drafted;
- what was reviewed is what is signed, by its SHA-256;
- no network call stands inside a transaction, and a start that got no answer is never repeated.
"""
