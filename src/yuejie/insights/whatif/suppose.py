"""What is supposed to have been otherwise: prices, terms, models, routes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yuejie.contracts.contract import Contract
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.kernel.money import PPM, exact, plain


@dataclass(frozen=True, slots=True)
class PricedBy:
    """A book that prices calls: seen from a pinned revision, or from what had started by each."""

    book: Book
    said: str
    """What it is, for people."""
    revision: int | None = None
    is_partial: bool = False
    """Whether models that it does not name keep the price they had."""

    def leaves(self, model: str) -> bool:
        """Tell whether a model keeps the price it had."""
        return self.is_partial and not self.book.prices(model, self.revision or 0)

    def rate(
        self, model: str, meter: str, *, started_us: int, service_tier: str, context_tokens: int
    ) -> RateRow | None:
        """Return the one rate of a meter for these facts, or None where there is none."""
        pinned = self.revision
        if pinned is None:
            pinned = self.book.revision_at(started_us)
            if pinned is None:
                return None
        return self.book.resolve(
            model,
            meter,
            revision=pinned,
            started_us=started_us,
            service_tier=service_tier,
            context_tokens=context_tokens,
        )


def timeless(rows: BookRows, revision: int) -> Book:
    """Return a book as a revision says it, as if it had held always: for months before it."""
    return Book(
        BookRows(
            rows.book_id,
            rows.kind,
            rows.currency,
            [RevisionRow(each.revision, 0) for each in rows.revisions if each.revision <= revision],
            [row for row in rows.rates if row.revision <= revision],
        )
    )


@dataclass(frozen=True, slots=True)
class Swap:
    """Calls of one model made with another: all of them, or those of a slice.

    `tokens` are factors by meter in ppm, `""` for every meter that is not named; without one, the
    other model is taken to count the same tokens. `meters` says as which meter something is
    priced that the other model does not price.
    """

    source: str
    target: str
    keys: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    context_above: int | None = None
    """Only requests whose input is larger than so many tokens."""
    context_at_most: int | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    meters: Mapping[str, str] = field(default_factory=dict)

    def takes(self, model: str, project_id: str, key_id: str, context_tokens: int) -> bool:
        """Tell whether a call belongs to the slice."""
        return (
            model == self.source
            and (not self.keys or key_id in self.keys)
            and (not self.projects or project_id in self.projects)
            and (self.context_above is None or context_tokens > self.context_above)
            and (self.context_at_most is None or context_tokens <= self.context_at_most)
        )

    def factor(self, meter: str) -> int:
        """Return by how much a quantity grows, in ppm."""
        return self.tokens.get(meter, self.tokens.get("", PPM))

    def sentence(self, names: Mapping[str, str]) -> str:
        """Say which calls are made with which model; `names` are those of projects and keys."""
        slices = [
            *(f"项目 {names.get(each, each)}" for each in sorted(self.projects)),
            *(f"密钥 {names.get(each, each)}" for each in sorted(self.keys)),
        ]
        if self.context_above is not None:
            slices.append(f"输入超过 {self.context_above:,} token 的请求")
        if self.context_at_most is not None:
            slices.append(f"输入不超过 {self.context_at_most:,} token 的请求")
        return f"{self.source} 改用 {self.target}（{'、'.join(slices) or '全部调用'}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """Everything that is supposed; what is None or empty is as it was."""

    prices: PricedBy | None = None
    contract: Contract | None = None
    swaps: tuple[Swap, ...] = ()
    routes: Mapping[str, str] = field(default_factory=dict)
    """By model, the deployment that serves all its calls: the operator's cost alone."""
    meters: Mapping[str, str] = field(default_factory=dict)
    """As which meter something is priced that the supposed book does not price."""

    def swap_of(self, model: str, project_id: str, key_id: str, context_tokens: int) -> Swap | None:
        """Return how a call's model is replaced; the first slice that holds it says so."""
        fits = (
            each for each in self.swaps if each.takes(model, project_id, key_id, context_tokens)
        )
        return next(fits, None)

    def sizes(self) -> list[int]:
        """Return the request sizes at which a slice begins or ends."""
        bounds = (b for swap in self.swaps for b in (swap.context_above, swap.context_at_most))
        return sorted({bound for bound in bounds if bound is not None})


def factor_of(text: str) -> int:
    """Read a token factor such as “1.08” as ppm; at most six decimals, above zero."""
    return exact(text, PPM, "token 折算系数")


def factor_text(ppm: int) -> str:
    """Write a token factor."""
    return plain(ppm, PPM)
