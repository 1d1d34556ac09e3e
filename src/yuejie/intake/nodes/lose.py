"""Give a node up with its disk: what it was lent counts as spent, what is known lost is listed.

Of the calls that nobody had read only those are known one by one that were under way for some
seconds; the rest is the journal's tail, whose size its node last told. Should the node or its
journals come back, what they really used takes the place of all this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yuejie.budgets.lending.count import LeaseNews, Spending
from yuejie.budgets.lending.give_up import presume_spent
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.intake.leases import read_leases
from yuejie.intake.nodes import store
from yuejie.intake.nodes.keep import find_node
from yuejie.intake.nodes.node import SILENT, Node, NodeState
from yuejie.intake.nodes.store import OpenCall
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.usage import store as usage_store
from yuejie.usage.arrival import Arrival, Reader
from yuejie.usage.journal import Begun, Position, decode_begun
from yuejie.usage.record import GATEWAY, Added, Recorder, died
from yuejie.usage.tail import Chunk


@dataclass(frozen=True, slots=True)
class Loss:
    """What giving a node up means, or meant."""

    node: Node
    journals: tuple[UUID, ...]
    """Journals that are waited for no more."""
    borrowing: tuple[UUID, ...]
    """Journals whose leases count as spent."""
    calls: int
    """Calls that are known to be lost one by one; they are on the worklist."""
    presumed: int = 0
    """Windows of which something counts as spent."""


def foresee_loss(db: Database, name: str) -> Loss:
    """Say what giving a node up would do. Raises Conflict for one that cannot be given up."""
    with db.read(consistent=True) as tx:
        return _loss(tx, find_node(tx, name))


def declare_lost(
    db: Database, name: str, *, confirmed: str, by: str, why: str, now: datetime
) -> Loss:
    """Give a node up. `confirmed` is its whole number, as the person has read it.

    Raises Invalid where that is another, Conflict for a node that still tells of itself, or that
    is given up or has left already.
    """
    loss = foresee_loss(db, name)
    if confirmed.strip().lower() != str(loss.node.node_id):
        raise Invalid(
            f"确认的编号与节点 {loss.node.name} 的编号 {loss.node.node_id} 不符，未做改动"
        )
    with db.begin() as tx:
        epoch = usage_store.enter_epoch(tx)
        store.hold_node(tx, loss.node.node_id)
        loss = _loss(tx, find_node(tx, str(loss.node.node_id)))
        for journal_id in loss.journals:
            _list_open(tx, journal_id, epoch)
        presumed = sum(presume_spent(tx, each) for each in loss.borrowing)
        _give_up(tx, loss, note=f"{by}：节点丢失，{why}", now=now)
        store.change_state(
            tx, loss.node.node_id, was=[loss.node.state], state=NodeState.LOST, by=by, why=why
        )
        record_deed(tx, Deed(by, now, "lose", "node", str(loss.node.node_id), why))
    return Loss(loss.node, loss.journals, loss.borrowing, loss.calls, presumed)


def _loss(tx: Tx, node: Node) -> Loss:
    if node.state is NodeState.LOST:
        raise Conflict(f"节点 {node.name} 已宣告丢失，无需再做")
    if node.age <= SILENT:
        raise Conflict(
            f"节点 {node.name} 在 {node.age.total_seconds():.0f} 秒前还有心跳，并未丢失；"
            f"要停用它请执行 yuejie nodes drain {node.name}"
        )
    journals = store.live_journals_of(tx, node.node_id, node.name)
    borrowing = sorted({*journals, *store.borrowing_journals_of(tx, node.node_id)})
    if node.state is NodeState.LEFT and not borrowing:
        raise Conflict(f"节点 {node.name} 已正常退出，没有未读的流水，无需宣告丢失")
    calls = len(store.open_calls(tx, journals))
    return Loss(node, tuple(journals), tuple(borrowing), calls)


def _give_up(tx: Tx, loss: Loss, *, note: str, now: datetime) -> None:
    """Park the journals; the tail that the node last told stands with the newest of them."""
    for journal_id in loss.journals:
        is_newest = journal_id == loss.journals[-1]
        store.give_journal_up(
            tx,
            journal_id,
            note=note,
            now=now,
            lost_bytes=loss.node.tail_bytes if is_newest else None,
            lost_calls=loss.node.tail_calls if is_newest else None,
        )


def _list_open(tx: Tx, journal_id: UUID, epoch: int) -> None:
    """Put the calls of a journal that were under way on the worklist, at their worst case."""
    calls = store.open_calls(tx, [journal_id])
    if not calls:
        return
    arrived = _given_up(calls)
    recorder, spending, news = Recorder(), Spending(), LeaseNews(journal_id)
    recorder.learn(tx, arrived)
    read_leases(news, Chunk(arrived, Position(1, 0), Position(1, 0), tail=False))

    def count(tx: Tx, added: Added) -> None:
        spending.count(tx, added, news)

    recorder.append_arrived(tx, arrived, epoch=epoch, source=GATEWAY, count=count)
    store.drop_open_calls(tx, [call.event_id for call in calls])


def _given_up(calls: Sequence[OpenCall]) -> list[Arrival]:
    reader = Reader()
    begun: list[Begun] = [decode_begun(bytes(call.begun)) for call in calls]
    return [reader.read_ended(died(each)) for each in begun]
