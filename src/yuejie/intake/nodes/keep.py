"""What a person wishes of a node: that it leaves in good order, or comes back."""

from datetime import datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.intake.nodes import store
from yuejie.intake.nodes.node import Node, NodeState
from yuejie.intake.nodes.store import LostTail
from yuejie.kernel.errors import Conflict, NotFound

ID_LENGTH: Final = 8
"""So many characters of its number name a node."""


def all_nodes(db: Database) -> list[Node]:
    """Return every node that ever joined, by name."""
    with db.read() as tx:
        return store.nodes(tx)


def all_lost_tails(db: Database) -> list[LostTail]:
    """Return what is lost with nodes and not found yet."""
    with db.read() as tx:
        return store.lost_tails(tx)


def find_node(tx: Tx, name: str) -> Node:
    """Return the node of a name, or of the beginning of its number.

    Of several homes that had one name the number decides, unless all others are over.
    """
    known = store.nodes(tx)
    wanted = name.replace("-", "").lower()
    named = [node for node in known if node.name == name]
    if not named and len(wanted) >= ID_LENGTH:
        named = [node for node in known if node.node_id.hex.startswith(wanted)]
    if not named:
        raise NotFound(f"没有名为“{name}”的节点，请用 yuejie nodes list 查看")
    present = [node for node in named if node.state not in {NodeState.LEFT, NodeState.LOST}]
    found = present if len(present) == 1 else named
    if len(found) > 1:
        ids = "、".join(f"{node.node_id}" for node in found)
        raise Conflict(f"名为“{name}”的节点不止一个，请写编号：{ids}")
    return found[0]


def drain(db: Database, name: str, *, by: str, why: str, now: datetime) -> Node:
    """Let a node take no more calls, finish, be read to its end, give back leases, and leave.

    It leaves by itself; doing this twice does nothing more. Raises Conflict for a lost node.
    """
    with db.begin() as tx:
        node = find_node(tx, name)
        if node.state is NodeState.LOST:
            raise Conflict(f"节点 {node.name} 已宣告丢失，无需退出；其流水可用 nodes adopt 收养")
        wish = [NodeState.SERVING]
        if store.change_state(tx, node.node_id, was=wish, state=NodeState.DRAINING, by=by, why=why):
            record_deed(tx, Deed(by, now, "drain", "node", str(node.node_id), why))
        return find_node(tx, str(node.node_id))


def resume(db: Database, name: str, *, by: str, why: str, now: datetime) -> Node:
    """Let a node that leaves or has left take calls again. Raises Conflict for a lost node."""
    with db.begin() as tx:
        node = find_node(tx, name)
        if node.state is NodeState.LOST:
            raise Conflict(f"节点 {node.name} 已宣告丢失；它的采集进程启动后会自行重新加入")
        wish = [NodeState.DRAINING, NodeState.LEFT]
        if store.change_state(tx, node.node_id, was=wish, state=NodeState.SERVING, by=by, why=why):
            record_deed(tx, Deed(by, now, "resume", "node", str(node.node_id), why))
        return find_node(tx, str(node.node_id))
