-- 0037_pre_let_tickets_be_graded
-- Why: a customer's first guess of how much stands still can be wrong; whoever answers grades a
--      ticket anew, with a reason on it that the customer reads, and the deed is recorded.
-- Lock: none; a right of the application's role.

SET LOCAL lock_timeout = '5s';

GRANT UPDATE (severity) ON ticket TO yuejie_app;
