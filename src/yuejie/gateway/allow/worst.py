"""The worst case of a call: the most it can cost, and the most tokens it can use.

Text that is all in the request is bounded by its bytes, everything else by the context window; the
answer by what the client or the catalogue allows, as often as answers are asked for; and each
token by the dearest rate that this call can reach on any of its routes, at any size, tier and hour.
What has no bound has none here: a hard cap refuses it, and never takes "all that is left" for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from yuejie.contracts.prices import RateRow
from yuejie.gateway.allow.asked_for import OBEYED, AskedFor, Twice, Unclear, may_repeat, obeyed
from yuejie.gateway.allow.betas import beyond
from yuejie.gateway.allow.members import read_chat
from yuejie.gateway.allow.text import HIDDEN, Plain, read_plain
from yuejie.gateway.rights.admission import Plan, Route
from yuejie.gateway.snapshot import ModelRow
from yuejie.usage.dialects import Api, RequestHint
from yuejie.usage.dialects.document import Document
from yuejie.usage.meters import INPUT_SIDE, UNIT_METERS, Meter

_CHAT: Final = Api.OPENAI_CHAT
_GENERATE: Final = Api.GEMINI_GENERATE
FREE: Final = frozenset({Api.ANTHROPIC_COUNT_TOKENS, Api.GEMINI_COUNT_TOKENS})
"""Counting tokens costs nothing at any provider."""
SILENT: Final = frozenset({Api.OPENAI_EMBEDDINGS, Api.GEMINI_EMBED})
"""Endpoints whose answers have no tokens."""
_TEXT_IN: Final = frozenset(
    {
        Meter.INPUT,
        Meter.CACHE_READ,
        Meter.CACHE_WRITE_5M,
        Meter.CACHE_WRITE_30M,
        Meter.CACHE_WRITE_1H,
        Meter.CACHE_WRITE_12H,
        Meter.CACHE_WRITE_UNSPECIFIED,
    }
)
_TEXT_OUT: Final = frozenset({Meter.OUTPUT, Meter.REASONING})
_ONE_EACH: Final = frozenset({Meter.REQUESTS, Meter.FAILED_REQUESTS})
_OPEN: Final = frozenset({Meter.SECONDS, Meter.WEB_SEARCHES, Meter.SEARCH_UNITS})
"""Pieces that a request does not bound."""
_OWN_TOOLS: Final = frozenset({None, "function", "custom"})
_CLEARS: Final = "clear_"
"""How the edits of a context are called that only leave something out of it."""
_ELSEWHERE: Final = ("web_search_options", "mcp_servers", "container", "plugins", "prompt")
"""Members by which a provider works on its own, as often as it likes."""


class Worst(msgspec.Struct, frozen=True, gc=False):
    """The most a call can cost in picos, and the most tokens; None: there is no bound."""

    pico: int | None
    tokens: int | None
    why: str = ""
    """What has no bound."""


class Dearest(NamedTuple):
    """The highest rates of a route, in picos: of text, of anything, and of pieces."""

    text_in: int
    any_in: int
    text_out: int
    any_out: int
    each: int
    image: int
    character: int
    open: bool
    """There are pieces that a request does not bound."""


class Size(NamedTuple):
    """The most tokens that go in and come out; −1: what comes out is not counted in tokens."""

    tokens_in: int
    tokens_out: int


NOTHING: Final = Worst(0, 0)


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request as it came: what it speaks, what was read of it, its body, and its betas."""

    api: Api
    hint: RequestHint
    body: bytes
    betas: str = ""


Said = Mapping[str, int] | AskedFor
"""What a request says of how long an answer may be."""


class Words(NamedTuple):
    """What a request says that bounds it; `plain` where it is self-contained text."""

    plain: Plain | None
    said: Said
    answers: int
    inputs: int


def worst_of(
    plan: Plan,
    call: Call,
    models: Mapping[str, ModelRow],
    *,
    output_bound: int = 0,
    now_us: int,
) -> Worst:
    """Return the worst case of a call over all routes it may take.

    `output_bound`: what the gateway writes into a request that names no longest answer; 0: nothing.
    """
    api, body, betas = call.api, call.body, call.betas
    if api is _CHAT and (chat := read_chat(body)) is not None:
        return _plain_worst(plan, api, chat, models, output_bound, now_us)
    wider = bool(betas) and any(beyond(betas))
    if wider:
        reached = {route.target.model_id for route in plan.kinds}
        models = {name: beyond(betas).of(models[name]) for name in reached}
    if api in FREE:
        return NOTHING
    plain = read_plain(api, body)
    if plain is not None and api is not _GENERATE and not may_repeat(body):
        if api not in SILENT and not wider:
            return _plain_worst(plan, api, plain, models, output_bound, now_us)
        words = Words(plain, plain.longest, plain.answers, plain.inputs)
    else:
        try:
            asked = AskedFor(api, body)
            words = Words(plain, asked, asked.answers, asked.inputs)
        except Twice:
            return Worst(None, None, "重复书写的请求字段")
        except Unclear:
            return Worst(None, None, "不写成整数的应答条数")
        if plain is None and (tool := _works_elsewhere(api, asked.document)):
            return Worst(None, None, f"供应商侧的工具 {tool}")
    return _over_routes(plan, call, words, models, output_bound, now_us)


PlainTariff = tuple[int, int, frozenset[str], bool, int, int, int, str]
"""What bounds a call of plain text over one kind of route; a bare tuple, for every call reads it.

The context window; the longest answer of the model itself (0: nothing says); the members by which
this platform lets an answer be bounded, and whether it obeys any; the dearest rates of text in, of
text out and of a request; the model.
"""


def _plain_worst(
    plan: Plan,
    api: Api,
    plain: Plain,
    models: Mapping[str, ModelRow],
    output_bound: int,
    now_us: int,
) -> Worst:
    """Do what `_over_routes` does, for text: nine of ten calls, by what the plan remembers."""
    tariffs = plan.memo.get(api)
    if tariffs is None:
        tariffs = plan.memo[api] = [_tariff(route, api, models, now_us) for route in plan.kinds]
    tokens_in, said, inputs = plain.tokens_in, plain.longest, plain.inputs
    answers = plain.answers * inputs
    pico = tokens = 0
    for window, own, names, obeys, text_in, text_out, each, model in tariffs:
        room = window * inputs
        size = room if 0 < room < tokens_in else tokens_in
        bound = 0
        if obeys:
            for name, most in said.items():
                if most > bound and name in names:
                    bound = most
            bound = bound or output_bound
        longest = bound if bound and (bound < own or not own) else own
        if not longest:
            return Worst(None, None, f"模型 {model} 的上下文或输出长度")
        longest *= answers
        cost = size * text_in + longest * text_out + each
        pico = max(pico, cost)
        tokens = max(tokens, size + longest)
    return Worst(pico, tokens)


def _tariff(route: Route, api: Api, models: Mapping[str, ModelRow], now_us: int) -> PlainTariff:
    model, platform = models[route.target.model_id], route.target.access.platform
    dearest = _dearest_of(route, now_us)
    window = model.context_window or 0
    obeys = platform in OBEYED
    return (
        window,
        (model.max_output or window) if obeys else window,
        obeyed(api, platform) if obeys else frozenset(),
        obeys,
        dearest.text_in,
        dearest.text_out,
        dearest.each,
        model.model_id,
    )


def _over_routes(
    plan: Plan,
    call: Call,
    words: Words,
    models: Mapping[str, ModelRow],
    output_bound: int,
    now_us: int,
) -> Worst:
    """Take the dearest of the routes; those to one model on one platform are alike."""
    api, hint, body = call.api, call.hint, call.body
    plain, said, answers, inputs = words
    pieces = hint.characters is not None or hint.images is not None
    bytes_in = plain.tokens_in if plain is not None else len(body) + HIDDEN if pieces else None
    pico, tokens, counted = 0, 0, True
    for route in plan.kinds:
        model = models[route.target.model_id]
        longest = _longest(api, said, route.target.access.platform, model, output_bound)
        size = _size(bytes_in, model, longest, (answers, inputs), pieces=pieces)
        if size is None:
            return Worst(None, None, f"模型 {model.model_id} 的上下文或输出长度")
        cost = _cost(_dearest_of(route, now_us), size, hint, plain=plain is not None)
        if cost is None:
            return Worst(None, None, f"模型 {model.model_id} 按时长或次数计费的部分")
        pico = max(pico, cost)
        tokens = max(tokens, size.tokens_in + size.tokens_out)
        counted = counted and size.tokens_out >= 0
    return Worst(pico, tokens if counted else None, "按件计费的输出")


def _longest(api: Api, said: Said, platform: str, model: ModelRow, output_bound: int) -> int:
    """Return the longest answer that a route can give; −1 where nothing bounds it."""
    if api in SILENT:
        return 0
    if platform not in OBEYED:
        return model.context_window or -1
    if isinstance(said, AskedFor):
        bound = said.longest(platform) or output_bound
    else:
        bound = output_bound
        if said:
            names = obeyed(api, platform)
            bound = max((said[name] for name in names if name in said), default=0) or output_bound
    own = model.max_output or model.context_window or 0
    if bound and own:
        return min(bound, own)
    return bound or own or -1


def _size(
    bytes_in: int | None, model: ModelRow, longest: int, many: tuple[int, int], *, pieces: bool
) -> Size | None:
    """Return the size of a call; None where nothing bounds it. `many`: answers to an input, inputs.

    What is asked for by the piece needs no bound in tokens, as long as it is not priced by them.
    """
    answers, inputs = many
    bounds_in = [each for each in (bytes_in, (model.context_window or 0) * inputs) if each]
    if not pieces and (longest < 0 or not bounds_in):
        return None
    tokens_out = longest * answers * inputs if longest >= 0 else -1
    return Size(min(bounds_in), tokens_out)


def _cost(dearest: Dearest, size: Size, hint: RequestHint, *, plain: bool) -> int | None:
    """Return the most a call of this size costs."""
    if dearest.open and not plain:
        return None
    pieces = (hint.images or 0) * dearest.image + (hint.characters or 0) * dearest.character
    if size.tokens_out < 0:
        # A picture or speech, priced by the piece; where it is priced by the token, nobody knows.
        return None if dearest.any_out else pieces + dearest.each + size.tokens_in * dearest.any_in
    if plain:
        tokens = size.tokens_in * dearest.text_in + size.tokens_out * dearest.text_out
    else:
        tokens = size.tokens_in * dearest.any_in + size.tokens_out * dearest.any_out
    return tokens + pieces + dearest.each


def _dearest_of(route: Route, now_us: int) -> Dearest:
    """Return a route's highest rates; remembered with the route, which pins its revisions."""
    if not route.dearest:
        model = route.target.model_id
        named = route.sale.naming(model, route.sale_revision, now_us)
        rows = route.sale.price_list(model, named) if named is not None else ()
        route.dearest.append(dearest_rates(rows))
    found: Dearest = route.dearest[0]
    return found


def dearest_rates(rows: Sequence[RateRow]) -> Dearest:
    """Return the highest rates of a price list."""
    tokens = [row for row in rows if row.meter not in UNIT_METERS]
    return Dearest(
        text_in=_most(row for row in tokens if row.meter in _TEXT_IN),
        any_in=_most(row for row in tokens if row.meter in INPUT_SIDE),
        text_out=_most(row for row in tokens if row.meter in _TEXT_OUT),
        any_out=_most(row for row in tokens if row.meter not in INPUT_SIDE),
        each=_most(row for row in rows if row.meter in _ONE_EACH),
        image=_most(row for row in rows if row.meter == Meter.IMAGES),
        character=_most(row for row in rows if row.meter == Meter.CHARACTERS),
        open=any(row.meter in _OPEN and row.pico for row in rows),
    )


def _most(rows: Iterable[RateRow]) -> int:
    return max((row.pico for row in rows), default=0)


def _works_elsewhere(api: Api, document: Document) -> str:
    """Name what makes the provider work on its own, beyond any bound; else nothing."""
    for name in _ELSEWHERE:
        if name in document and (name != "prompt" or isinstance(document.get(name), dict)):
            return name
    tools = document.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        kind = _tool_kind(api, tool)
        if kind not in _OWN_TOOLS:
            return str(kind)
    return _summarises(document.get("context_management"))


def _summarises(managed: object) -> str:
    """Name what makes the provider summarise first: one more answer, over the whole window."""
    edits = managed.get("edits") if isinstance(managed, dict) else managed
    for edit in edits if isinstance(edits, list) else ():
        kind = edit.get("type") if isinstance(edit, dict) else edit
        if not str(kind).startswith(_CLEARS):
            return str(kind)
    return ""


def _tool_kind(api: Api, tool: object) -> object:
    if not isinstance(tool, dict):
        return "tools"
    if api is not Api.GEMINI_GENERATE:
        return tool.get("type")
    others = set(tool) - {"functionDeclarations", "function_declarations"}
    return min(others) if others else None
