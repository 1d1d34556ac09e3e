"""Those who watch something each second: how many there may be, and that they leave in time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from yuejie.kernel.errors import Unavailable
from yuejie.kernel.limits import WATCHERS, WATCHERS_OF_CUSTOMER


class Watchers:
    """Counts open streams; touched by the event loop alone."""

    def __init__(self) -> None:
        self._seats: Counter[str] = Counter()
        self.is_closing: bool = False
        """Set when the process stops: whoever watches ends its stream within a second."""

    @contextmanager
    def seat(self, customer_id: str) -> Iterator[None]:
        """Hold a place for one stream as long as it is open.

        Raises Unavailable where the house or the customer has no place left.
        """
        if self.is_closing or self._seats.total() >= WATCHERS:
            raise Unavailable("同时观看实时数据的连接已满，请稍后重试")
        if self._seats[customer_id] >= WATCHERS_OF_CUSTOMER:
            raise Unavailable(
                f"这个客户同时观看实时数据的连接已达 {WATCHERS_OF_CUSTOMER} 个，请关闭一些后重试"
            )
        self._seats[customer_id] += 1
        try:
            yield
        finally:
            self._seats[customer_id] -= 1
            self._seats += Counter()

    @property
    def seated(self) -> int:
        """How many streams are open."""
        return self._seats.total()


EVENT: Final = "text/event-stream"
