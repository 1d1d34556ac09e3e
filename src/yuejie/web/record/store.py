"""The record's only SQL: what the things are called that deeds write down as ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId


@dataclass(frozen=True, slots=True)
class NameRow:
    """A thing that has an id: what people call it, and where its page is."""

    id: str
    name: str
    path: str
    fen: int | None
    currency: str | None


# A customer's own things alone, where a customer reads.
NAMES: Final = """
    WITH asked AS (SELECT %(ids)s::text[] AS ids, %(customer_id)s::text AS own)
    SELECT id, name, path, fen, currency FROM (
        SELECT bill_id AS id, customer_id, '/bills/' || bill_id AS path,
               coalesce(b.number, c.legal_name || ' ' || b.month) AS name,
               NULL::bigint AS fen, NULL AS currency
        FROM bill b JOIN customer c USING (customer_id), asked WHERE bill_id = ANY(ids)
        UNION ALL
        SELECT customer_id, customer_id, '/customers/' || slug, legal_name, NULL, NULL
        FROM customer, asked WHERE customer_id = ANY(ids)
        UNION ALL
        SELECT slug, customer_id, '/customers/' || slug, legal_name, NULL, NULL
        FROM customer, asked WHERE slug = ANY(ids)
        UNION ALL
        SELECT DISTINCT contract_id, customer_id, '/contracts/' || contract_id,
               concat_ws(' ', k.number, c.legal_name), NULL::bigint, NULL
        FROM contract n JOIN customer c USING (customer_id)
        LEFT JOIN contract_number k USING (contract_id, customer_id), asked
        WHERE contract_id = ANY(ids)
        UNION ALL
        SELECT d.draft_id, d.customer_id, '/drafts/' || d.draft_id,
               concat_ws(' ', k.number, c.legal_name), NULL, NULL
        FROM contract_draft d JOIN customer c USING (customer_id) LEFT JOIN contract_number k
            ON k.draft_id = d.draft_id OR k.contract_id = d.contract_id, asked
        WHERE d.draft_id = ANY(ids)
        UNION ALL
        SELECT receipt_id, customer_id, '/bank/receipts/' || receipt_id, payer_name,
               amount_fen, currency
        FROM receipt, asked WHERE receipt_id = ANY(ids)
        UNION ALL
        SELECT key, customer_id, '/fapiao/' || key, coalesce(number, key), NULL, NULL
        FROM fapiao, asked WHERE key = ANY(ids)
        UNION ALL
        SELECT fapiao_id, customer_id, '/fapiao/' || key, coalesce(number, key), NULL, NULL
        FROM fapiao, asked WHERE fapiao_id = ANY(ids)
        UNION ALL
        SELECT r.key, r.customer_id, '/fapiao/' || f.key, coalesce(r.number, r.key), NULL, NULL
        FROM fapiao_red r JOIN fapiao f USING (fapiao_id), asked WHERE r.key = ANY(ids)
        UNION ALL
        SELECT credit_note_id, n.customer_id, '/bills/' || n.bill_id,
               coalesce(n.number, b.number), n.gross_fen, n.currency
        FROM credit_note n JOIN bill b USING (bill_id), asked WHERE credit_note_id = ANY(ids)
        UNION ALL
        SELECT line_id, l.customer_id, '/bills/' || bill_id || '/lines/' || position,
               coalesce(b.number, b.month) || ' #' || position, NULL, NULL
        FROM bill_line l JOIN bill b USING (bill_id), asked WHERE line_id = ANY(ids)
        UNION ALL
        SELECT dispute_id, customer_id, '/bills/' || bill_id, line_text, NULL, NULL
        FROM bill_dispute, asked WHERE dispute_id = ANY(ids)
        UNION ALL
        SELECT adjustment_id, customer_id, '', item, amount_fen, currency
        FROM adjustment, asked WHERE adjustment_id = ANY(ids)
        UNION ALL
        SELECT refund_id, customer_id, '/bank/receipts/' || receipt_id, to_name,
               amount_fen, currency
        FROM refund, asked WHERE refund_id = ANY(ids)
        UNION ALL
        SELECT waiver_id, w.customer_id, '/bills/' || bill_id, b.number, amount_fen, w.currency
        FROM waiver w JOIN bill b USING (bill_id), asked WHERE waiver_id = ANY(ids)
        UNION ALL
        SELECT claim_id, customer_id, '', payer_name, amount_fen, 'CNY'
        FROM receipt_claim, asked WHERE claim_id = ANY(ids)
        UNION ALL
        SELECT file_id, NULL, '', name, NULL, NULL
        FROM statement_file, asked WHERE file_id = ANY(ids)
        UNION ALL
        SELECT account_id, NULL, '', bank || ' ' || number, NULL, NULL
        FROM bank_account, asked WHERE account_id = ANY(ids)
        UNION ALL
        SELECT title_id, customer_id, '', name, NULL, NULL
        FROM fapiao_title, asked WHERE title_id = ANY(ids)
        UNION ALL
        SELECT grant_id, customer_id, '', name, amount_fen, currency
        FROM customer_grant, asked WHERE grant_id = ANY(ids)
        UNION ALL
        SELECT limit_id, l.customer_id, '/customers/' || slug, legal_name, limit_fen, l.currency
        FROM temporary_limit l JOIN customer c USING (customer_id), asked
        WHERE limit_id = ANY(ids)
        UNION ALL
        SELECT end_id, customer_id, '/contracts/' || contract_id,
               concat_ws(' ', k.number, legal_name), NULL, NULL
        FROM contract_end e JOIN customer c USING (customer_id)
        LEFT JOIN contract_number k USING (contract_id, customer_id), asked
        WHERE end_id = ANY(ids)
        UNION ALL
        SELECT signing_id, customer_id, '/drafts/' || draft_id,
               concat_ws(' ', k.number, legal_name), NULL, NULL
        FROM signing s JOIN customer c USING (customer_id)
        LEFT JOIN contract_number k USING (draft_id, customer_id), asked
        WHERE signing_id = ANY(ids)
        UNION ALL
        SELECT project_id, customer_id, '', name, NULL, NULL
        FROM project, asked WHERE project_id = ANY(ids)
        UNION ALL
        SELECT key_id, customer_id, '', name, NULL, NULL
        FROM api_key, asked WHERE key_id = ANY(ids)
        UNION ALL
        SELECT member_id, customer_id, '', name, NULL, NULL
        FROM member, asked WHERE member_id = ANY(ids)
        UNION ALL
        SELECT session_id, customer_id, '', name, NULL, NULL
        FROM session JOIN member USING (member_id), asked WHERE session_id = ANY(ids)
        UNION ALL
        SELECT token_id, customer_id, '', t.name, NULL, NULL
        FROM member_token t JOIN member USING (member_id), asked WHERE token_id = ANY(ids)
        UNION ALL
        SELECT allowance_id, customer_id, '', name, NULL, NULL
        FROM allowance, asked WHERE allowance_id = ANY(ids)
        UNION ALL
        SELECT contact_id, customer_id, '', name, NULL, NULL
        FROM notice_contact, asked WHERE contact_id = ANY(ids)
        UNION ALL
        SELECT channel_id, n.customer_id, '', name, NULL, NULL
        FROM notice_channel h JOIN notice_contact n USING (contact_id), asked
        WHERE channel_id = ANY(ids)
        UNION ALL
        SELECT ticket_id, customer_id, '/tickets/' || ticket_id, subject, NULL, NULL
        FROM ticket, asked WHERE ticket_id = ANY(ids)
        UNION ALL
        SELECT report_id, customer_id, '/reports/' || report_id, name, NULL, NULL
        FROM report, asked WHERE report_id = ANY(ids)
        UNION ALL
        SELECT job_id, NULL, '/jobs/' || job_id, about, NULL, NULL
        FROM job, asked WHERE job_id = ANY(ids)
        UNION ALL
        SELECT change_id, NULL, '/price-changes/' || change_id, book_id, NULL, NULL
        FROM price_change, asked WHERE change_id = ANY(ids)
        UNION ALL
        SELECT payment_id, NULL, '', account_id, fen, currency
        FROM provider_payment, asked WHERE payment_id = ANY(ids)
        UNION ALL
        SELECT provider_bill_id, NULL, '', number, NULL, NULL
        FROM provider_bill, asked WHERE provider_bill_id = ANY(ids)
        UNION ALL
        SELECT provider_credit_id, NULL, '', number, NULL, NULL
        FROM provider_credit, asked WHERE provider_credit_id = ANY(ids)
        UNION ALL
        SELECT prospect_id, NULL, '/presales/' || slug, name, NULL, NULL
        FROM prospect, asked WHERE prospect_id = ANY(ids)
        UNION ALL
        SELECT quote_id, NULL, '/presales/quotes/' || quote_id, p.name || ' v' || q.version,
               NULL, NULL
        FROM quote q JOIN prospect p USING (prospect_id), asked WHERE quote_id = ANY(ids)
    ) named, asked
    WHERE asked.own IS NULL OR named.customer_id = asked.own
"""


def names_of(tx: Tx, customer_id: CustomerId | None, ids: Sequence[str]) -> list[NameRow]:
    """Return what things are called; to a customer, of its own things alone."""
    return tx.rows(NameRow, NAMES, customer_id=customer_id, ids=list(ids))


# What a person may type is a number or a name; the record holds ids.
CALLED: Final = """
    SELECT coalesce(array_agg(id), '{}') FROM (
        SELECT bill_id AS id, customer_id FROM bill WHERE number = %(name)s
        UNION SELECT customer_id, customer_id FROM customer WHERE legal_name = %(name)s
        UNION SELECT slug, customer_id FROM customer WHERE legal_name = %(name)s
        UNION SELECT key, customer_id FROM fapiao WHERE number = %(name)s
        UNION SELECT key, customer_id FROM fapiao_red WHERE number = %(name)s
        UNION SELECT credit_note_id, customer_id FROM credit_note WHERE number = %(name)s
        UNION SELECT contract_id, customer_id FROM contract_number
              WHERE number = %(name)s AND contract_id IS NOT NULL
        UNION SELECT draft_id, customer_id FROM contract_number
              WHERE number = %(name)s AND draft_id IS NOT NULL
        UNION SELECT n.contract_id, customer_id FROM contract n JOIN customer c USING (customer_id)
              WHERE c.legal_name = %(name)s OR c.slug = %(name)s
        UNION SELECT member_id, customer_id FROM member WHERE name = %(name)s
        UNION SELECT receipt_id, customer_id FROM receipt WHERE payer_name = %(name)s
        UNION SELECT file_id, NULL FROM statement_file WHERE name = %(name)s
    ) called
    WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
"""


def ids_called(tx: Tx, customer_id: CustomerId | None, name: str) -> list[str]:
    """Return what a number or a name may mean, itself among them; to a customer, of its own."""
    return [name, *tx.value(CALLED, customer_id=customer_id, name=name)]
