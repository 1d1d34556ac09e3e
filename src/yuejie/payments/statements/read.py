"""Read a statement file whatever it is, or refuse it with the number of every wrong row. Pure."""

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import STATEMENT_BYTES
from yuejie.payments.statements.camt import is_camt, read_camt
from yuejie.payments.statements.grid import rows_of
from yuejie.payments.statements.line import (
    Problem,
    Statement,
    StatementRefused,
    broken_balances,
    oversized,
)
from yuejie.payments.statements.mt940 import is_mt940, read_mt940
from yuejie.payments.statements.table import read_table


def read_statement(body: bytes, name: str) -> Statement:
    """Read xlsx, xls, HTML, CSV, camt.053 or MT940; the content decides, not the name.

    Raises StatementRefused for what cannot be read whole, or whose balances do not follow from
    each other.
    """
    try:
        statement = _read(body)
    except StatementRefused as refused:
        raise refused.named(name) from None
    except Invalid as error:
        raise StatementRefused([Problem(0, error.sentence)], name) from None
    problems = oversized(statement.lines) or broken_balances(statement)
    if not statement.lines and statement.opening_fen is None:
        problems = [Problem(0, "没有任何流水行")]
    if problems:
        raise StatementRefused(problems, name)
    return statement


def _read(body: bytes) -> Statement:
    if not body.strip():
        raise StatementRefused([Problem(0, "文件是空的，请重新导出")])
    if len(body) > STATEMENT_BYTES:
        raise StatementRefused([Problem(0, f"超过 {STATEMENT_BYTES} 字节，请分段导出")])
    if is_camt(body):
        return read_camt(body)
    if is_mt940(body):
        return read_mt940(body)
    return read_table(*rows_of(body))
