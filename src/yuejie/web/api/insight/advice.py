"""Advice, people's word on it, and what a customer lets it assume."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.advice.advice import AdviceState
from yuejie.insights.advice.answer import accept, dismiss, end
from yuejie.insights.advice.show import show_advice, show_one, summary_of
from yuejie.insights.advice.words import say_word, take_back, words_of
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.advice import (
    AcceptIn,
    AdviceOut,
    DismissIn,
    SummaryOut,
    WordIn,
    WordOut,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("优化建议")
Whose = Annotated[Name | None, Query(description="客户；运营方不填为全部")]
State = Annotated[AdviceState | None, Query(description="只列某个状态")]


@routes.get("/advice", summary="列出优化建议")
def list_advice(
    db: Db,
    caller: AnyCaller,
    customer: Whose = None,
    state: State = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[AdviceOut]:
    """改什么、每月省多少、怎么算的、有多大把握；新的在前。"""
    window = Window.read("advice", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    before = window.after or None
    found = show_advice(db, customer_id, state=state, before=before, limit=window.fetch)
    return window.page(found, AdviceOut.of, lambda shown: shown.advice.advice_id)


@routes.get("/advice/{advice}", summary="查看优化建议")
def get_advice(db: Db, caller: AnyCaller, advice: Name) -> AdviceOut:
    """一条建议，带上经历与采纳后的实际节省。"""
    return AdviceOut.of(show_one(db, caller.customer_id, advice))


@routes.post("/advice/{advice}/accept", summary="采纳")
def post_accept(db: Db, caller: AnyCaller, now: Now, advice: Name, body: AcceptIn) -> AdviceOut:
    """采纳一条建议；此后按月核实实际节省。"""
    accept(db, caller.customer_id, advice, why=body.why, by=caller.name, now=now)
    return AdviceOut.of(show_one(db, caller.customer_id, advice))


@routes.post("/advice/{advice}/dismiss", summary="不采纳")
def post_dismiss(db: Db, caller: AnyCaller, now: Now, advice: Name, body: DismissIn) -> AdviceOut:
    """不采纳一条建议，须说明原因；90 天内不再提。"""
    dismiss(db, caller.customer_id, advice, why=body.why, by=caller.name, now=now)
    return AdviceOut.of(show_one(db, caller.customer_id, advice))


@routes.post("/advice/{advice}/end", summary="结束跟踪")
def post_end(db: Db, caller: AnyCaller, now: Now, advice: Name, body: AcceptIn) -> AdviceOut:
    """不再核实；同一部分用量以后可重新提出。"""
    end(db, caller.customer_id, advice, why=body.why, by=caller.name, now=now)
    return AdviceOut.of(show_one(db, caller.customer_id, advice))


@routes.get("/customers/{customer}/advice-summary", summary="建议的合计")
def get_summary(db: Db, caller: AnyCaller, customer: Name) -> SummaryOut:
    """各条一起做每月共省多少（互为替代的只计一条），哪里数据不足。"""
    found = summary_of(db, _own(db, caller, customer))
    if found is None:
        raise NotFound(f"客户 {customer} 还没有计算过建议，请等文书进程的下一轮")
    return SummaryOut.of(found)


@routes.get("/customers/{customer}/advice-words", summary="列出说明")
def list_words(db: Db, caller: AnyCaller, customer: Name) -> list[WordOut]:
    """客户说哪些任务可换便宜模型、可以等待，哪些项目可看前缀哈希。"""
    return [WordOut.of(word) for word in words_of(db, _own(db, caller, customer))]


@routes.post("/customers/{customer}/advice-words", summary="登记说明")
def post_word(db: Db, caller: AnyCaller, now: Now, customer: Name, body: WordIn) -> WordOut:
    """登记一条说明；prefix 须由客户自己同意，网关只留加盐哈希，不留内容。"""
    own = _own(db, caller, customer)
    return WordOut.of(say_word(db, own, body.what, body.name, by=caller.name, now=now))


@routes.post("/customers/{customer}/advice-words/unsay", summary="撤回说明")
def post_unsay(db: Db, caller: AnyCaller, now: Now, customer: Name, body: WordIn) -> list[WordOut]:
    """撤回一条说明；撤回 prefix 后一秒内网关不再计算。"""
    own = _own(db, caller, customer)
    take_back(db, own, body.what, body.name, by=caller.name, now=now)
    return [WordOut.of(word) for word in words_of(db, own)]


def _own(db: Database, caller: Caller, customer: str) -> CustomerId:
    """Return the customer that is named, if the caller may see it."""
    with db.read() as tx:
        whose(tx, caller, customer)
        return find_customer(tx, customer).customer_id
