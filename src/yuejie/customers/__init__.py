"""Customers: who is asking?

Owns: customers, their tree of projects, API keys (hashed), declared tag names; members, their
logins (by password or at an identity provider) and API tokens.
Does not own: what a customer agreed to (contracts), what a key used (usage), who may look (web).

Invariants:
- a key is shown once and stored only as an HMAC; what is lost is replaced, never read back;
- a key belongs to exactly one project, a project to exactly one customer;
- every read that serves a customer takes `customer_id` first.
"""
