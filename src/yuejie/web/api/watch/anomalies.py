"""Findings of anomalies, and people's word on them."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.insights.anomaly.answer import acknowledge, give_feedback, mute
from yuejie.insights.anomaly.finding import Feedback, FindingState
from yuejie.insights.anomaly.show import show_finding, show_findings
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.watch.anomalies import AcknowledgeIn, FeedbackIn, FindingOut, MuteIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("异常", prefix="/anomalies")
Whose = Annotated[Name | None, Query(description="客户；运营方不填为全部")]
State = Annotated[FindingState | None, Query(description="只列某个状态")]


@routes.get("", summary="列出异常发现")
def list_findings(
    db: Db,
    caller: AnyCaller,
    customer: Whose = None,
    state: State = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[FindingOut]:
    """什么变了、从何时起、哪个密钥和模型造成、至今多花多少；新的在前。"""
    window = Window.read("anomalies", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    found = show_findings(
        db, customer_id, state=state, before=window.after or None, limit=window.fetch
    )
    return window.page(found, FindingOut.of, lambda shown: shown.finding.finding_id)


@routes.get("/{finding}", summary="查看异常发现")
def get_finding(db: Db, caller: AnyCaller, finding: Name) -> FindingOut:
    """一个异常发现，带上经历。"""
    return FindingOut.of(show_finding(db, caller.customer_id, finding))


@routes.post("/{finding}/acknowledge", summary="知悉")
def post_acknowledge(
    db: Db, caller: AnyCaller, now: Now, finding: Name, body: AcknowledgeIn
) -> FindingOut:
    """写下有人知道了；异常平息后自行结束。"""
    acknowledge(db, caller.customer_id, finding, why=body.why, by=caller.name, now=now)
    return FindingOut.of(show_finding(db, caller.customer_id, finding))


@routes.post("/{finding}/mute", summary="静音")
def post_mute(db: Db, caller: AnyCaller, now: Now, finding: Name, body: MuteIn) -> FindingOut:
    """到某个时刻为止，同一原因（主要的密钥，或所在范围）不再有新的发现；仍照常学习。"""
    customer_id, until = caller.customer_id, body.until
    mute(db, customer_id, finding, until=until, why=body.why, by=caller.name, now=now)
    return FindingOut.of(show_finding(db, customer_id, finding))


@routes.post("/{finding}/feedback", summary="反馈")
def post_feedback(
    db: Db, caller: AnyCaller, now: Now, finding: Name, body: FeedbackIn
) -> FindingOut:
    """说明是否确有异常；误报使同一范围的门槛提高，要罕见三倍才再发现，改口则降回。"""
    said = Feedback(body.feedback)
    give_feedback(db, caller.customer_id, finding, said, why=body.why, by=caller.name, now=now)
    return FindingOut.of(show_finding(db, caller.customer_id, finding))
