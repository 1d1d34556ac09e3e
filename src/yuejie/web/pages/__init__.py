"""Pages: the console as people see it, drawn on the server.

Every page calls the verbs that the REST API calls, and is named in `access.PAGES` with whom it
serves.
`frame` is what every page stands in: who is at it, whom it serves, how it is drawn; one file per
noun answers requests.

Invariants:
- a form is taken only from a page of ours: its token is of the session that sends it;
- every value is escaped by the template; scripts come from here and from nowhere else;
- a page works without JavaScript; with it, nothing typed is lost when a deed is refused.
"""
