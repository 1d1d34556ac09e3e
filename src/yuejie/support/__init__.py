"""Support: who asks for help, who answers, and what everybody should know of the service?

Owns: tickets with their messages, files and response clocks (`tickets/`), who is on duty and who
advises which customer (`rota/`), incidents and maintenance as they are announced, and the state of
the service as anybody may see it (`status/`).
Does not own: what a missed response gives back (bills), the report of a month's service
(assurance), how people are reached (notices), disputes of a bill's lines (bills), who may answer
(customers).

Invariants:
- of a ticket that waits for us exactly one clock runs; saying something stops it, nothing else does
  but the customer's own end of the matter;
- a response is missed once: one row, known from an epoch on, one notice to each who must know;
- a ticket names a call or a bill of its own customer's, or none;
- a customer hears of an incident once per update; the public page names no customer.
"""
