"""Logins: how a member proves who it is to the console: password, one-time code, session.

A member's token (`yj-m-…`) is for programs; a login is for people. A session is opened by a login
and is worth what the member is worth; ended members have no sessions.

Invariants:
- a password is kept as an argon2id hash, a session and an invitation as HMACs, the seed of one-time
  codes encrypted; what is lost is replaced, never read back;
- a one-time code opens once: a step at or before the last one used is refused (RFC 6238 §5.2);
- guesses are counted per name and per address before a password is looked at, in one queue per
  name, so that a thousand at once are not a thousand guesses.
"""
