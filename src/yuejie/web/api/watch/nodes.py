"""The gateway nodes of this database."""

from typing import Final

from yuejie.intake.nodes.keep import all_nodes, drain, resume
from yuejie.intake.nodes.lose import declare_lost
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.watch.nodes import LossOut, LostIn, NodeOut, WishIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("节点", prefix="/nodes")


@routes.get("", summary="列出节点")
def list_nodes(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[NodeOut]:
    """心跳、版本、快照、尚未入库的流水、时钟差、占用的额度。"""
    window = Window.read("nodes", cursor, limit)
    found = cut(window, all_nodes(db), lambda node: str(node.node_id))
    return window.page(found, NodeOut.of, lambda node: str(node.node_id))


@routes.post("/{node}/drain", summary="让节点退出")
def post_drain(db: Db, caller: AnyCaller, now: Now, node: Name, body: WishIn) -> NodeOut:
    """不再接新请求，办完在途的，流水读完，额度归还，然后状态变为 left；重复调用不再有变化。"""
    return NodeOut.of(drain(db, node, by=caller.name, why=body.why, now=now))


@routes.post("/{node}/resume", summary="让节点回来")
def post_resume(db: Db, caller: AnyCaller, now: Now, node: Name, body: WishIn) -> NodeOut:
    """退出中或已退出的节点重新接请求。"""
    return NodeOut.of(resume(db, node, by=caller.name, why=body.why, now=now))


@routes.post("/{node}/lost", summary="宣告节点丢失")
def post_lost(db: Db, caller: AnyCaller, now: Now, node: Name, body: LostIn) -> LossOut:
    """失联的节点连同磁盘丢失：不再等它的流水，借出的额度视为已用，已知的在途请求进待处理清单。"""
    return LossOut.of(
        declare_lost(db, node, confirmed=body.confirm, by=caller.name, why=body.why, now=now)
    )
