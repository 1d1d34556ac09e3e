"""Every word of the pages has its English, whether a template says it or a table."""

from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from yuejie.assurance.providers.owed import PURPOSES
from yuejie.assurance.reconcile import difference
from yuejie.assurance.sla import words as sla_words
from yuejie.bills.documents import wording
from yuejie.bills.life import SAID as BILL_STATES
from yuejie.budgets.allowance import MODES, PERIODS
from yuejie.contracts.changes import change as price_changes
from yuejie.contracts.changes import compare as compare_prices
from yuejie.contracts.documents import words
from yuejie.customers.members.power import CALLED
from yuejie.fapiao.issuing.errand import HOLD_SAID
from yuejie.fapiao.issuing.watch import IDENTITY_SAID, LOGIN_SAID
from yuejie.fapiao.life import RED_SAID
from yuejie.fapiao.life import SAID as FAPIAO_SAID
from yuejie.fapiao.reversing.form import ANSWERS, REASON_WORDS
from yuejie.insights.advice import advice as advising
from yuejie.insights.anomaly import finding
from yuejie.insights.forecast import figures as forecast_figures
from yuejie.insights.reports import report, schedule
from yuejie.insights.reports import span as report_spans
from yuejie.insights.trend import figures as trend_figures
from yuejie.insights.trend.places import BY_NAMES
from yuejie.insights.trend.series import REST
from yuejie.insights.trend.span import GRAIN_NAMES
from yuejie.insights.whatif import compare
from yuejie.jobs import job as jobs
from yuejie.payments.apportion import refund
from yuejie.payments.receipts.receipt import SAID
from yuejie.support.status import board, incident
from yuejie.support.tickets import ticket
from yuejie.usage.meters import UNITS
from yuejie.usage.refusals import reason as refusals
from yuejie.web import errors
from yuejie.web.pages import budgets, customers, home, usage
from yuejie.web.pages.desk import approvals, bank, closing, payables, receivables
from yuejie.web.pages.desk import fapiao as fapiao_desk
from yuejie.web.pages.desk import receipts as receipt_pages
from yuejie.web.pages.first import customer as first_list
from yuejie.web.pages.first import offer, operator, steps
from yuejie.web.pages.frame import menu
from yuejie.web.pages.frame.words import EN, translations
from yuejie.web.pages.house import deeds as deed_pages
from yuejie.web.pages.house import words as house_words
from yuejie.web.pages.identity import tokens as token_pages
from yuejie.web.pages.insight import anomalies, keys, protections
from yuejie.web.pages.insight import refusals as refusal_pages
from yuejie.web.pages.money import contracts, fapiao, payments, shares
from yuejie.web.pages.ops import cloud_files, health, margins, nodes, retention, worklist
from yuejie.web.pages.ops import jobs as job_pages
from yuejie.web.pages.ops import reconcile as reconcile_pages
from yuejie.web.pages.study import whatif
from yuejie.web.pages.support import sla as support_sla
from yuejie.web.pages.support import tickets as support_tickets
from yuejie.web.pages.told import log as log_pages
from yuejie.web.pages.told import words as told_words

AGREED: tuple[dict[Any, str], ...] = (
    words.PERIODS,
    words.TYPES,
    words.MODES,
    words.SPLITS,
    words.CONFIRMATIONS,
    words.KINDS,
    words.ORDERS,
)
"""What contracts say that the page of contracts says as well."""
SUPPORT: tuple[Mapping[Any, str], ...] = (
    ticket.STATE_NAMES,
    support_tickets.STATES,
    ticket.KIND_NAMES,
    ticket.SEVERITY_NAMES,
    support_tickets.ANSWERS,
    incident.STATE_NAMES,
    incident.KIND_NAMES,
    incident.IMPACT_NAMES,
    board.LIGHT_NAMES,
    sla_words.PARTIES,
    sla_words.REASONS,
    sla_words.OUTCOMES,
)
"""Words of the pages of support."""
INSIGHT = (
    *trend_figures.MEASURE_NAMES.values(),
    *GRAIN_NAMES.values(),
    *BY_NAMES.values(),
    *forecast_figures.MEASURE_NAMES.values(),
    *advising.KIND_NAMES.values(),
    *advising.STATE_NAMES.values(),
    *advising.CONFIDENCE_NAMES.values(),
    *finding.STATE_NAMES.values(),
    *finding.MEASURE_NAMES.values(),
    *finding.SCOPE_NAMES.values(),
    *anomalies.RULES.values(),
    *finding.GRAIN_NAMES.values(),
    *anomalies.SAID.values(),
    *anomalies.MUTES.values(),
    *protections.ACTIONS.values(),
    *protections.ACTING.values(),
    *protections.ENDS.values(),
    *keys.STATES.values(),
    *keys.OVERLAPS.values(),
    *refusals.PARTY_NAMES.values(),
    *(word for each in refusals.REASONS.values() for word in (each.name, each.advice)),
    *refusals.FACTS.values(),
    *refusal_pages.SPANS.values(),
    REST,
    *("下限", "80%% 区间"),
)
"""Words of the pages of insight that come from tables."""


DESK_WORDS: list[Mapping[Any, str]] = [
    closing.OPEN_CALLS,
    jobs.KIND_NAMES,
    jobs.STATE_NAMES,
    jobs.UNITS,
    job_pages.PIECES,
    bank.FILTERS,
    receipt_pages.SOURCES,
    receipt_pages.USES,
    PURPOSES,
    payables.STATES,
    payables.HOW,
    payables.MOVES,
    receivables.AGES,
    receivables.KINDS,
    receivables.REASONS,
    refund.SAID,
    fapiao_desk.KINDS,
    fapiao_desk.ENDS,
    ANSWERS,
    fapiao_desk.FORMS,
    fapiao_desk.REASONS,
    fapiao_desk.ERRANDS,
    fapiao_desk.ERRAND_STATES,
    HOLD_SAID,
    LOGIN_SAID,
    IDENTITY_SAID,
    approvals.GRANTS,
    contracts.PARTIES,
]


DESK: list[Mapping[Any, str]] = [
    usage.GRAINS,
    usage.STATES,
    worklist.STATES,
    worklist.AGES,
    worklist.REASONS,
    reconcile_pages.SOURCES,
    difference.CHINESE,
    difference.TO_DO,
    margins.DIMENSIONS,
    health.HOURS,
    health.STATES,
    nodes.STATES,
    nodes.SPANS,
    cloud_files.CATEGORIES,
    cloud_files.METRICS,
    cloud_files.WHY,
    retention.KINDS,
    retention.TEXTS,
    compare_prices.KINDS,
    price_changes.STATE_NAMES,
    report.DIMENSION_NAMES,
    report.MEASURE_NAMES,
    report_spans.GRAIN_NAMES,
    report_spans.PERIOD_NAMES,
    schedule.EVERY_NAMES,
    whatif.TAX_MODES,
    whatif.WITHOUT,
    compare.CAUSE_NAMES,
    told_words.CHANNELS,
    told_words.DELIVERIES,
    log_pages.TRIES,
]
FIRST_WORDS = (
    *steps.STEPS.values(),
    *(word for what, why, _ in first_list.WORDS.values() for word in (what, why)),
    *operator.TAXES.values(),
    *operator.KINDS.values(),
    *(offer.PLATFORMS[code].name for code in offer.SPOKEN),
    offer.REGION_HINT,
    *("客户财务", "客户管理员", "客户开发", "运营财务", "运营管理员"),
)
"""Words of the first run that come from tables."""


def test_every_word_has_its_english() -> None:
    """Of templates and of the tables pages show; and what is translated is still said."""
    folder = files("yuejie.web.pages")
    assert isinstance(folder, Path)
    said = {
        message if isinstance(message, str) else message[0]
        for template in sorted(Path(str(folder / "templates")).rglob("*.html"))
        for _, message, _, _ in extract(
            "jinja2.ext:babel_extract",
            BytesIO(template.read_bytes()),
            options={"trim_blocks": "true", "lstrip_blocks": "true", "encoding": "utf-8"},
        )
    }
    tables: list[str] = [
        *BILL_STATES.values(),
        *usage.DIMENSIONS.values(),
        *MODES.values(),
        *budgets.MEASURES.values(),
        *(word for word in budgets.ORIGINS.values() if word),
        *PERIODS.values(),
        *INSIGHT,
        *(word for table in DESK for word in table.values() if not word.isascii()),
        *("日期", "时间"),  # columns of reports
        *deed_pages.COLUMNS,
        *(word for word in UNITS.values() if not word.isascii()),
        *customers.SERVED.values(),
        *(word for table in house_words.ALL for word in table.values()),
        *CALLED.values(),
        *(word for table in SUPPORT for word in table.values()),
        *support_sla.VERDICTS,
        *token_pages.CALLED.values(),
        *token_pages.DAYS.values(),
        *FAPIAO_SAID.values(),
        *RED_SAID.values(),
        *fapiao.KINDS.values(),
        *REASON_WORDS.values(),
        *payments.CLAIM_STATES.values(),
        *payments.STOPPED.values(),
        *SAID.values(),
        *contracts.STATES.values(),
        *shares.METHODS.values(),
        *shares.BY.values(),
        *shares.WHAT.values(),
        *wording.KINDS.values(),
        *shares.NAMES.values(),
        *shares.STATES.values(),
        *contracts.RENEWALS.values(),
        *(word for table in AGREED for word in table.values()),
        *(word for table in DESK_WORDS for word in table.values()),
        *(each.label for each in menu.MENU),
        *(each.group for each in menu.MENU if each.group),
        *(what for what, _, _ in home.LOOKS),
        *home.ASKED,
        *FIRST_WORDS,
        home.LIMITS,
        *(word for word, _ in job_pages.NEXT.values()),
        *(kind.title for kind in errors.TABLE.values()),
        *(missed.title for missed in errors.HTTP.values()),
        "启用",
        "停用",
        "中文",
        "请求有误",
        "没有这个页面，请从菜单进入",
    ]
    known: Catalog = read_po(BytesIO((folder / "languages" / "en.po").read_bytes()))
    translated = {str(each.id) for each in known if each.id}
    assert translated == said | set(tables)
    english = translations(EN)
    assert all(english.gettext(each) != each for each in translated)
