"""Gateway: may it pass, and what did it use?

Owns: the data plane: HTTP/1.1 towards clients and providers, keys, rights and routes as a snapshot
in memory, the tap on what streams by, one journal per worker, refusals in the client's dialect.
Does not own: what a customer or a contract is (customers, contracts), what an answer's numbers mean
(usage.dialects), what they are worth (rating), how journals reach the database (intake), bills.

No database is on the path of a request: workers read a file that one publisher per node writes.
Only `Idempotency-Key` asks PostgreSQL, because two gateways must agree on it.

Invariants:
- an attempt is on disk before the provider hears of it, and ends in the journal exactly once,
  before the client has its last byte, however the call ends;
- of one operation at most one attempt is billable: the one whose answer the client got;
- bytes pass unchanged but for the credential, the model's name, and usage nobody asked for;
- a region or provider that a project excludes is never called, whatever else fails;
- whoever answers for an auto model is on its policy and the key's list, and inside the worst case;
- no prompt, completion or key is logged or stored.
"""
