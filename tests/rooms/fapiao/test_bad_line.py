"""A line to the tax platform on which anything goes missing: whatever it is, all is done once."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.rooms.fapiao import shop as shopping
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import RedFapiao
from yuejie.fapiao.issuing.chain import check_chain
from yuejie.fapiao.issuing.store import open_errands
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers.port import Provider
from yuejie.fapiao.providers.wire import NeverLeft, Silence, Wire
from yuejie.fapiao.request import Pick
from yuejie.fapiao.reversing.form import RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red

ROUNDS = 400
LINES = [(10_600, 60_000), (21_200, 60_000), (-5_300, 60_000)]


class BadLine(Wire):
    """Every third call comes to nothing: not connected, lost on its way, or its answer lost."""

    random = Random(0)

    def _exchange(self, call: str, *rest: object, **more: object) -> bytes:
        luck = self.random.random() if call != "token" else 1.0
        if luck < 0.1:
            raise NeverLeft("no connection")
        if luck < 0.2:
            raise Silence("lost on its way")
        heard: bytes = super()._exchange(call, *rest, **more)  # type: ignore[arg-type]  # passed on
        if luck < 0.35:
            raise Silence("its answer is lost")
        return heard


def until(shop: Shop, platform: TaxPlatform, provider: Provider, is_so: Callable[[], bool]) -> None:
    """Make rounds, often at first, until something is so."""
    for count in range(ROUNDS):
        tend(shop.db, provider, now=shop.now)
        if is_so():
            return
        shop.passes(platform, 4 if count < 60 else 900)
    raise AssertionError("it never came about")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["nuonuo", "baiwang"])
def test_whatever_goes_missing_at_any_stage_is_asked_about_and_done_once(
    shop: Shop, platform: TaxPlatform, monkeypatch: pytest.MonkeyPatch, name: str, seed: int
) -> None:
    """Issued, fetched, delivered, reversed in two parts (the buyer confirms): one of each."""
    monkeypatch.setattr(shopping, "Wire", BadLine)
    monkeypatch.setattr(BadLine, "random", Random(seed))
    provider = getattr(shopping, f"{name}_at")(shop.db, platform.url)
    (asked,) = shop.request(Pick(shop.bill("2026-10", LINES)))
    shop.approve(asked, name)

    def is_quiet() -> bool:
        with shop.db.read() as tx:
            return not open_errands(tx)

    def reverse(*picks: RedPick) -> RedFapiao:
        wish = RedWish(fapiao=asked.key, reason=RedReason.ALLOWANCE, why="折让", picks=picks)
        red = request_red(shop.db, wish, by=CLERK, now=shop.now)
        approve_red(shop.db, red.key, by=BOSS, now=shop.now)
        until(shop, platform, provider, lambda: shop.red(red.key).state is RedState.WAITING)
        platform.tell("confirm", key=red.key, agree=True)
        until(shop, platform, provider, lambda: shop.red(red.key).state is RedState.ISSUED)
        return red

    until(shop, platform, provider, lambda: shop.fapiao(asked.key).state is FapiaoState.ISSUED)
    until(shop, platform, provider, is_quiet)
    platform.tell("use", number=shop.fapiao(asked.key).number)
    reds = [reverse(RedPick(1, 1_000)), reverse(RedPick(1), RedPick(2))]
    until(shop, platform, provider, is_quiet)
    assert shop.fapiao(asked.key).state is FapiaoState.REVERSED
    issued = Counter(row["key"] for row in platform.issued())
    assert issued == {asked.key: 1, reds[0].key: 1, reds[1].key: 1}
    assert check_chain(shop.db, shop.customer_id) == []
