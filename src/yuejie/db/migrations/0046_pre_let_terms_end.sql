-- 0046_pre_let_terms_end
-- Why: a cap for the contract's term has each term as a window of its own. Where a term ends is
--      known only when the contract is renewed or another one follows, so that the end of a window
--      that is open may move. What was counted is drawn anew from the rollups by the clerk.
-- Lock: none on rows; a privilege.

SET LOCAL lock_timeout = '5s';

GRANT UPDATE (ends_s) ON allowance_window TO yuejie_app;
