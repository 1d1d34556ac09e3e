"""Which rows of which table are one customer's: every table is here, or a test fails. Pure.

A table with a column `customer_id` is the customer's by that column. Any other is either reached
by a path through its parents, or belongs to the house, with a reason. Secrets never leave.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Path:
    """How rows lead to a customer: `column` in `parent`.`parent_column`, and on from there."""

    column: str = "customer_id"
    parent: str | None = None
    parent_column: str = ""
    beyond: "Path | None" = None


OWN: Final = Path()


def _by(column: str, parent: str, parent_column: str = "", beyond: Path | None = None) -> Path:
    return Path(column, parent, parent_column or column, beyond)


_DIMENSION: Final = _by("dimension_id", "usage_dimension")
_ALLOWANCE: Final = _by("number", "allowance")
_BOOK: Final = _by("book_id", "contract_book")
_PARTY: Final = Path("party")
_TICKET: Final = _by("ticket_id", "ticket")
_SUBJECT: Final = _by("subject_id", "fapiao_file")
PATHS: Final[dict[str, Path]] = {
    "advice_figure": _by("advice_id", "advice"),
    "advice_measure": _by("advice_id", "advice"),
    "advice_transition": _by("advice_id", "advice"),
    "allowance_alert": _ALLOWANCE,
    "allowance_estimate": _ALLOWANCE,
    "allowance_flight": _ALLOWANCE,
    "allowance_grant": _ALLOWANCE,
    "allowance_window": _ALLOWANCE,
    "anomaly_transition": _by("finding_id", "anomaly_finding"),
    "bill_transition": _by("bill_id", "bill"),
    "book": _BOOK,
    "book_revision": _BOOK,
    "contract_draft_step": _by("draft_id", "contract_draft"),
    "credit_note": _by("bill_id", "bill"),
    "credit_note_line": _by("credit_note_id", "credit_note", "", _by("bill_id", "bill")),
    "fapiao_errand": _SUBJECT,
    "fapiao_red_line": _by("red_id", "fapiao_red"),
    "fapiao_red_transition": _by("red_id", "fapiao_red"),
    "fapiao_transition": _by("fapiao_id", "fapiao"),
    "job_answer": _by("job_id", "job"),
    "ledger_balance": _PARTY,
    "ledger_entry": _by("entry_id", "ledger_posting", "", _PARTY),
    "ledger_posting": _PARTY,
    "notice_attachment": _by("notice_id", "notice"),
    "notice_attempt": _by("message_id", "notice_message"),
    "notice_copy": _by("notice_id", "notice"),
    "notice_outcome": _by("message_id", "notice_message"),
    "protection_transition": _by("protection_id", "protection"),
    "rate": _BOOK,
    "receipt_transition": _by("receipt_id", "receipt"),
    "refund_transition": _by("refund_id", "refund"),
    "session": _by("member_id", "member"),
    "signing_step": _by("signing_id", "signing"),
    "statement_line": _by("line_id", "receipt"),
    "member_token": _by("member_id", "member"),
    "sso_person": _by("member_id", "member"),
    "ticket_file": _by("message_id", "ticket_message", "", _TICKET),
    "ticket_message": _TICKET,
    "ticket_transition": _TICKET,
    "trial_request": _by("request_id", "trial"),
    "usage_late": _DIMENSION,
    "usage_rollup": _DIMENSION,
    "usage_sum_whole": _DIMENSION,
}
"""Tables that name no customer and are one's all the same."""

HOUSE: Final[dict[str, str]] = {
    "allowance_journal": "网关流水与额度的对应，不分客户",
    "auto_model": "自动模型的策略属于运营方",
    "bank_account": "运营方的银行账户",
    "bill_number": "编号计数",
    "contract_number_last": "编号计数",
    "capacity_cursor": "容量统计的进度",
    "capacity_hour": "供应商容量，不分客户",
    "certificate": "运营方的资质",
    "cloud_delivery": "云厂商的整份账单，可含几个客户的账户；客户的一份在其账单与明细中",
    "cloud_place": "云厂商账单中的账户与标签",
    "cloud_row": "云厂商账单的原始行",
    "cloud_source": "运营方的云账单来源",
    "cloud_statement": "云厂商账单的版本",
    "credit_note_number": "编号计数",
    "credit_rule": "运营方的授信规则",
    "deed": "全社的变更记录；客户自己的单据各有状态变更",
    "deployment": "运营方的部署",
    "deposit_slip_number": "编号计数",
    "duty": "运营方的值班表",
    "epoch": "全社的期次",
    "epoch_closing": "全社的期次",
    "fapiao_exchange": "与开票平台的往来报文，含运营方的凭据",
    "fapiao_form_look": "何时向开票平台查过购方发起的确认单",
    "fapiao_token": "开票平台的令牌",
    "fapiao_watch": "运营方开票账户的状态",
    "finance_batch": "移交财务系统的批次，不分客户",
    "finance_batch_entry": "移交财务系统的批次，不分客户",
    "fx_rate": "公开的汇率",
    "gateway_probe": "全社的可用性探测",
    "incident": "公开的公告，人人相同",
    "incident_update": "公开的公告，人人相同",
    "invitation": "一次性的邀请密钥",
    "job_file": "后台任务的上传，办完即删",
    "job_piece": "运营方的后台任务，逐件结果都在单据本身",
    "journal": "网关流水，不分客户",
    "login": "口令与验证码种子",
    "login_failure": "登录失败，按所填姓名，不知属于谁",
    "margin_floor": "运营方的毛利底线",
    "model": "运营方的目录",
    "model_grade": "运营方的目录",
    "node": "网关节点，不分客户",
    "notice_rest": "接收方的限流状态",
    "notice_sender": "运营方的发送账号",
    "open_call": "失去的节点上未结束的调用，查明后成为用量事件",
    "proposal": "售前：潜在客户的方案",
    "price_change": "运营方提出的调价，未批准的不是任何客户的",
    "prospect": "售前：潜在客户",
    "prospect_form": "售前：潜在客户",
    "prospect_usage": "售前：潜在客户",
    "prospect_usage_cell": "售前：潜在客户",
    "provider_account": "运营方与供应商之间",
    "provider_balance": "运营方与供应商之间",
    "provider_bill": "运营方与供应商之间",
    "provider_bill_void": "运营方与供应商之间",
    "provider_ceiling": "运营方与供应商之间",
    "provider_credit": "运营方与供应商之间",
    "provider_credit_void": "运营方与供应商之间",
    "provider_payment": "运营方与供应商之间",
    "provider_payment_transition": "运营方与供应商之间",
    "provider_report": "运营方与供应商之间",
    "provider_report_line": "运营方与供应商之间",
    "provider_terms": "运营方与供应商之间",
    "quote": "售前：潜在客户的报价",
    "quote_transition": "售前：潜在客户的报价",
    "reconciliation": "运营方与供应商之间",
    "reconciliation_difference": "运营方与供应商之间",
    "restoration": "数据库的恢复记录",
    "schema_migration": "数据库结构的版本",
    "snapshot_revision": "快照的版本",
    "sso_attempt": "登录途中的一次性凭据",
    "statement_file": "整份银行流水，含他人的往来",
    "trial_cost": "运营方的试用成本",
    "trial_policy": "运营方的试用规则",
    "usage_partition": "用量的存放位置，不分客户",
    "usage_sum_house": "全平台的用量合计，不分客户",
    "usage_summed": "汇总的进度",
}
"""Tables of which no row is a customer's, and why."""

SECRETS: Final[dict[str, frozenset[str]]] = {
    "advice_word": frozenset({"salt"}),
    "api_key": frozenset({"digest"}),
    "member": frozenset({"digest"}),
    "member_token": frozenset({"digest"}),
    "notice_channel": frozenset({"sealed", "bucket"}),
    "notice_message": frozenset({"bucket"}),
    "notice_attempt": frozenset({"bucket"}),
    "session": frozenset({"digest"}),
    "sso_provider": frozenset({"sealed"}),
    "trial_request": frozenset({"from_hash", "claim_hash"}),
}
"""Columns that open something or help to guess it."""

FILES: Final[dict[str, frozenset[str]]] = {
    "contract_paper": frozenset({"body"}),
    "fapiao_file": frozenset({"body"}),
    "report_run": frozenset({"content"}),
    "ticket_file": frozenset({"body"}),
}
"""Columns whose bytes lie in the archive as files of their own."""

_COST: Final = frozenset({"cost_rate", "cost_book", "cost_revision", "cost_pico", "cost_currency"})
_INTERNAL: Final = frozenset({"anomaly_series", "receipt_candidate", "known_payer"})
"""Tables in which the house keeps its own opinion; a court gets them, the customer does not."""


def columns_of(table: str, names: list[str], *, court: bool) -> list[str]:
    """Return which columns of a table are given away; what we pay is not the customer's to know."""
    left_out = SECRETS.get(table, frozenset()) | FILES.get(table, frozenset())
    if not court:
        left_out |= _COST
    return [name for name in names if name not in left_out]


def path_of(table: str, names: list[str], *, court: bool) -> Path | None:
    """Return how a table's rows lead to a customer; None for what is not given away.

    Raises KeyError for a table that is in no list: whoever made it has to say whose its rows are.
    """
    if table in HOUSE or (table in _INTERNAL and not court):
        return None
    if "customer_id" in names:
        return OWN
    return PATHS[table]
