"""Web: how do people see it?

Owns: the console process, its pages (`pages`) and its REST API: who may ask what, the forms in
which things go over the wire, pages of a list, the one table from error to status, the description
of it all in OpenAPI.
Does not own: any deed (each route calls one verb of a room), any rule about money, SQL of a room,
the gateway's own errors and dialects.

Invariants:
- every route is named in `auth.ACCESS` or `pages.frame.access` with whom it serves; one that is
  not cannot be served;
- a customer's key reads its own customer's rows and nothing else, and never what things cost us;
- every answer carries a request id, every refusal is problem+json whose detail begins with it;
- no traceback, no secret and no SQL goes to a client;
- the process starts and answers without the database, and recovers by itself when it is back.
"""
