"""Guards assurance: what the fapiao room may issue, the verifier accepts; a fen more, it names."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.assurance.verifier.yuejie_verify import (
    FORMAT,
    encode,
    end_record,
    sealed_record,
    verify,
)
from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import NOTHING, Amounts, FapiaoRefused, check_lines, from_gross, total
from yuejie.fapiao.draft import Place, TaxLine, Wording, draw_lines, part_of
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao, left_on
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.reversing.form import RedPick, RedReason, draw_red
from yuejie.fapiao.seal import canonical, canonical_red
from yuejie.kernel.ids import CustomerId

PPM = 60_000
NOW = datetime(2026, 11, 5, tzinfo=UTC)
ACME = CustomerId("cust_acme")
PARTY = Party(name="x", tax_number="91440300708461136T")
WORDING = {PPM: Wording("3040205000000000000", "信息系统增值服务")}
Form = dict[str, Any]


@dataclass
class Desk:
    """One bill and its fapiao, as the room keeps them; every form in the order of issue."""

    lines: Sequence[TaxLine]
    forms: list[Form] = field(default_factory=list)
    blues: list[Fapiao] = field(default_factory=list)
    reds: list[RedFapiao] = field(default_factory=list)

    def taken(self) -> dict[Place, Amounts]:
        found: dict[Place, Amounts] = {}
        for blue in self.blues:
            for line in blue.lines:
                key = (line.bill_id, line.tax_position)
                found[key] = found.get(key, NOTHING) + line.amounts
            for red in self.reds:
                if red.fapiao_id == blue.fapiao_id:
                    for each in red.lines:
                        of = blue.lines[each.blue_position - 1]
                        found[of.bill_id, of.tax_position] += each.amounts
        return found

    def requests(self, only: int | None, share: int) -> None:
        """Request the rest of the bill, or so many hundredths of what is left of one line."""
        taken = self.taken()
        left = {
            line.position: line.gross_fen - taken.get(line.place, NOTHING).gross_fen
            for line in self.lines
        }
        try:
            parts = [
                part_of(
                    line,
                    taken.get(line.place, NOTHING),
                    None if only is None else left[line.position] * share // 100,
                )
                for line in self.lines
                if left[line.position] and only in {None, line.position}
            ]
            drawn = draw_lines(parts, WORDING)
            check_lines(drawn, FapiaoKind.ORDINARY)
        except FapiaoRefused:
            return
        if sum(part.amounts.gross_fen for part in parts) > sum(left.values()):
            return
        blue = Fapiao(
            fapiao_id=f"fapiao_{len(self.blues)}",
            customer_id=ACME,
            request_id="r",
            key=f"N{len(self.blues)}",
            kind=FapiaoKind.ORDINARY,
            state=FapiaoState.ISSUED,
            buyer=PARTY,
            seller=PARTY,
            emails=(),
            mobile="",
            remark="",
            amounts=total(drawn),
            lines=tuple(drawn),
            requested_by="a",
            requested_at=NOW,
            number=f"{len(self.forms):020d}",
            issued_at=NOW,
        )
        self.blues.append(blue)
        self.forms.append(json.loads(canonical(blue, bytes(32))))

    def reverses(self, which: int, picks: tuple[RedPick, ...]) -> None:
        """Reverse a fapiao, whole or in part."""
        if not self.blues:
            return
        blue = self.blues[which % len(self.blues)]
        own = [red for red in self.reds if red.fapiao_id == blue.fapiao_id]
        try:
            lines = draw_red(blue, left_on(blue, own), picks, RedReason.TERMINATION)
        except FapiaoRefused:
            return
        assert blue.number is not None
        red = RedFapiao(
            red_id=f"red_{len(self.reds)}",
            customer_id=ACME,
            fapiao_id=blue.fapiao_id,
            blue_number=blue.number,
            key=f"R{len(self.reds)}",
            reason="termination",
            state=RedState.ISSUED,
            form_code="",
            form_number="",
            form_uuid="",
            whole=not picks,
            amounts=sum((line.amounts for line in lines), NOTHING),
            lines=lines,
            requested_by="a",
            requested_at=NOW,
            number=f"{len(self.forms):020d}",
            issued_at=NOW,
        )
        self.reds.append(red)
        self.forms.append(json.loads(canonical_red(red, bytes(32))))


def exported(lines: Sequence[TaxLine], forms: Sequence[Form]) -> bytes:
    """Write a bill of these tax lines and these fapiao as a seal export, chained."""
    kind = ("adjustment", "2026-10", "p", "", "", None, 0, 0, "CNY", None)
    rows = [
        [n.position, *kind, n.gross_fen, n.net_fen, n.tax_fen, "", None, n.position] for n in lines
    ]
    sums = [sum(getattr(line, name) for line in lines) for name in ("net_fen", "tax_fen")]
    bill = {
        "form": 2,
        "bill_id": "bill_1",
        "number": "YJ1",
        "customer_id": ACME,
        "month": "2026-10",
        "tax": ["inclusive", PPM],
        "lines": rows,
        "tax_lines": [[n.position, "", None, "", PPM, n.net_fen, n.tax_fen] for n in lines],
        "totals_fen": [*sums, sum(sums)],
        "previous": "0" * 64,
    }
    head = {"kind": "head", "format": FORMAT, "customer": "acme", "customer_id": ACME}
    records: list[Form] = [head | {"split_months": []}]
    records.append(sealed_record("bill", "YJ1", json.dumps(bill)))
    before = "0" * 64
    for form in forms:
        text = json.dumps(form | {"previous": before})
        records.append(sealed_record(form["what"], form["number"], text))
        before = records[-1]["seal"]
    named = [(str(record.get("name", "head")), encode(record)) for record in records]
    return b"".join(
        line + b"\n" for line in [*(line for _, line in named), encode(end_record(named))]
    )


def tax_lines(grosses: Sequence[int]) -> list[TaxLine]:
    found = []
    for position, gross in enumerate(grosses, 1):
        amounts = from_gross(gross, PPM)
        found.append(
            TaxLine(
                bill_id="bill_1",
                position=position,
                item="",
                model="",
                tax_ppm=PPM,
                net_fen=amounts.net_fen,
                tax_fen=amounts.tax_fen,
                gross_fen=gross,
            )
        )
    return found


AMOUNTS = st.lists(st.integers(-4_000, 20_000).filter(bool), min_size=1, max_size=4).filter(
    lambda grosses: sum(grosses) > 0
)
PICKS = st.lists(
    st.builds(RedPick, st.integers(1, 6), st.none() | st.integers(1, 9_000)), max_size=3
).map(tuple)
DEEDS = st.lists(
    st.tuples(st.just("request"), st.none() | st.integers(1, 4), st.integers(1, 100))
    | st.tuples(st.just("reverse"), st.integers(0, 5), PICKS),
    min_size=1,
    max_size=8,
)


def worked(grosses: Sequence[int], deeds: Sequence[Any]) -> Desk:
    desk = Desk(tax_lines(grosses))
    for what, one, other in deeds:
        desk.requests(one, other) if what == "request" else desk.reverses(one, other)
    return desk


@settings(deadline=None)
@given(AMOUNTS, DEEDS)
def test_what_the_room_issues_the_verifier_accepts(grosses: list[int], deeds: list[Any]) -> None:
    desk = worked(grosses, deeds)
    assert verify(exported(desk.lines, desk.forms)) == []


@settings(deadline=None)
@given(AMOUNTS, st.integers(1, 500), st.booleans())
def test_more_than_the_bill_or_the_blue_fapiao_is_named(
    grosses: list[int],
    fen: int,
    red: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """The whole bill is on a fapiao; one that says more, or gives back more, is named."""
    desk = worked(grosses, [("request", None, 100)])
    if not desk.forms:
        return
    if red:
        desk.reverses(0, ())
    last = desk.forms[-1]
    row = last["lines"][0]
    sign = -1 if red else 1
    row[-3] += sign * fen
    row[-1] += sign * fen
    last["totals_fen"][0] += sign * fen
    last["totals_fen"][2] += sign * fen
    found = verify(exported(desk.lines, desk.forms))
    kind = "红字发票" if red else "发票"
    assert any(f.name == f"{kind} {last['number']}" for f in found), found


def test_a_discount_goes_back_with_its_line() -> None:
    """100.00 less 30.00: 20.00 are given back of the pair, then its rest, and no fen more."""
    desk = worked([10_000, -3_000], [("request", None, 100)])
    assert [line.gross_fen for line in desk.blues[0].lines] == [10_000, -3_000]
    desk.reverses(0, (RedPick(1, 2_000),))
    desk.reverses(0, (RedPick(1),))
    assert verify(exported(desk.lines, desk.forms)) == []
    assert [red.amounts.gross_fen for red in desk.reds] == [-2_000, -5_000]
    more = replace(desk.reds[1], number="9" * 20, red_id="red_9")
    desk.forms.append(json.loads(canonical_red(more, bytes(32))))
    found = verify(exported(desk.lines, desk.forms))
    assert {f.field for f in found} == {"明细", "明细第 1 行 gross_fen"}
