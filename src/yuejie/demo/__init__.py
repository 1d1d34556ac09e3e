"""Demo: how can I try it without a key?

Owns: provider simulators that speak and misbehave like the originals, with a truth log of what
they served; simulated tax and signing platforms and receivers of notices; the demo house and its
month; samples of real traces with their licences.
Does not own: anything the product needs in production.

Invariants:
- nothing outside this folder imports it, except the command that runs it;
- the demo uses the product as a customer would: official SDKs, the command line, files;
- the truth log is written before the caller has the last byte.
"""
