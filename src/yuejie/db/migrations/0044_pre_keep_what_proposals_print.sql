-- 0044_pre_keep_what_proposals_print
-- Why: every number that a proposal prints is traced to an input or a price row. What is printed
--      is kept beside the files, as it was printed: the number, the name of its figure in the
--      quote's trace, the part of the document. A figure that rests on past usage names the lines
--      of the prospect's file. Proposals and files from before keep nothing there: NULL.
-- Lock: ACCESS EXCLUSIVE on both tables for an instant; columns without a default are not written.

SET LOCAL lock_timeout = '5s';

-- JSON; what stands in it is written once, with the files, and never changed.
ALTER TABLE proposal ADD COLUMN printed TEXT;

ALTER TABLE prospect_usage_cell ADD COLUMN first_line BIGINT, ADD COLUMN last_line BIGINT;
