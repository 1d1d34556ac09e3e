"""Notices: who must know?

Owns: what there is to tell and which facts it needs, contacts and their channels, the wording in
zh-CN and en, the outbox, delivery by mail, robots, SMS and webhooks, the log of deliveries.
Does not own: when something is worth telling (the room where it happened enqueues it), the
documents it attaches (bills, fapiao), who may see what (web), when rounds are made (clerk).

Invariants:
- a notice is written once per key, for ever, in the transaction of the deed that it tells about;
- a message, once formed, never changes its id or what it tells, so that a repeat can be recognised:
  delivery is at least once, and twice only where a process died between sending and noting;
- a receiver hears no more than its limits allow, rests when it says so, and keeps no other waiting;
- nothing is sent inside a transaction, and of every attempt there is a row before it begins;
- a message that cannot be delivered ends `dead` and tells the operator; nothing is lost in silence;
- secrets of channels are sealed, shown masked, and masked in what receivers quote back; nothing
  reaches a private network unless the operator allowed the host; an answer is judged by what it
  says, not by its HTTP status; what people wrote becomes neither markup, nor header, nor link.
"""
