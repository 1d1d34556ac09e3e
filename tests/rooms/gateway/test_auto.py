"""Who answers for an auto model: the cheapest adequate one, and never one that may not."""

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.gateway.autos import (
    CAP,
    LARGE,
    MIDDLE,
    NOW,
    PRICES,
    SMALL,
    chosen,
    draft,
    elsewhere,
    models_of,
    plan_of,
    policy,
    price,
    rule,
    ruled,
    wants,
)
from tests.rooms.gateway.world import CREDENTIAL, Draft, key_row
from yuejie.contracts.auto.routed import Out, read_routed
from yuejie.gateway.allow.text import HIDDEN
from yuejie.gateway.allow.worst import Call, worst_of
from yuejie.gateway.call.wants import wants_of
from yuejie.gateway.refusal import Code, Dialect, Refused, body_of
from yuejie.gateway.rights.admission import Admission, Plan
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import Snapshot
from yuejie.gateway.upstream.breaker import FAILURES, Breakers
from yuejie.gateway.upstream.choice import Choice, Wants, choose
from yuejie.gateway.upstream.vitals import CALLS, EXPECTED_OUT, SPAN_US, TIMED, Vitals
from yuejie.usage.dialects import Api, RequestHint, request_hint

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def out_of(choice: Choice | Refused) -> dict[str, Out]:
    assert isinstance(choice, Choice), choice
    routed = read_routed(choice.facts)
    assert routed is not None
    return dict(routed.why.out)


def refused(choice: Choice | Refused) -> Refused:
    assert isinstance(choice, Refused), choice
    return choice


needs = st.sets(st.sampled_from([Out.TOOLS, Out.IMAGES, Out.JSON, Out.STREAMING]))
ABLE = {Out.TOOLS: "tools", Out.IMAGES: "vision", Out.JSON: "json"}
EVERYTHING = frozenset({"tools", "vision", "json"})
mostly = st.sampled_from([True, True, True, True, False])
model = st.fixed_dictionaries(
    {
        "able": st.just(EVERYTHING)
        | st.just(EVERYTHING)
        | st.frozensets(st.sampled_from(["tools", "vision", "json", "no_streaming"])),
        "window": st.sampled_from([None, 2_000, 16_000, 128_000]),
        "most": st.sampled_from([None, 500, 4_000]),
        "rates": st.tuples(st.integers(0, 9), st.integers(0, 9)),
        "long": st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
        "priced": mostly,
        "region": st.sampled_from(["cn", "cn", "us"]),
        "open": mostly,
        "fails": mostly.map(lambda each: not each),
    }
)
asked = st.builds(
    Wants,
    needs=st.just(frozenset()) | needs.map(frozenset),
    tokens_in=st.sampled_from([600, 1_000, 1_001, 1_500, 9_000, 127_000, 200_000]),
    tokens_least=st.integers(0, 500),
    longest=st.sampled_from([0, 100, 1_000, 4_000]),
    answers=st.integers(1, 2),
)


def test_the_choice_is_the_cheapest_adequate_model() -> None:
    """Brute force over everything that may rule a model out, and over every price."""
    met = Counter[str]()

    @settings(max_examples=250, deadline=None)
    @given(st.lists(model, min_size=2, max_size=4), asked, st.booleans())
    def holds(models: list[dict[str, object]], want: Wants, confined: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        met[the_cheapest_is_chosen(models, want, confined=confined)] += 1

    holds()
    assert met["cheapest"] > 30, "few examples had a choice between different prices"
    assert met["first"] > 10
    assert met["nobody"] > 10


def the_cheapest_is_chosen(models: list[dict[str, object]], want: Wants, *, confined: bool) -> str:
    """Compare with brute force, and say what sort of example it was."""
    names = [f"m{at}" for at in range(len(models))]
    made = world_of(models, names, confined=confined)
    vitals = Vitals()
    vitals.watch([f"dep_{name}" for name in names])
    for name, facts in zip(names, models, strict=True):
        for _ in range(CALLS):
            vitals.note(f"dep_{name}", NOW, failed=bool(facts["fails"]))
    choice = chosen(made, want, vitals=vitals)
    expected = by_brute_force(dict(zip(names, models, strict=True)), want, confined=confined)
    if expected is None:
        told = refused(choice)
        assert told.code is Code.MODEL_NONE_FITS
        assert all(f"{name}：" in str(told.facts["why"]) for name in names)
    else:
        assert models_of(choice)[0] == expected
        assert isinstance(choice, Choice)
        assert not confined or {r.target.access.region for r in choice.routes} == {"cn"}
        return "first" if models_of(choice)[0] == min(models_of(choice)) else "cheapest"
    return "nobody"


def world_of(models: list[dict[str, object]], names: list[str], *, confined: bool) -> Draft:
    made = draft(rule(*names))
    template = next(row for row in made.models if row.model_id == MIDDLE)
    served = next(row for row in made.deployments if row.model_id == MIDDLE)
    elsewhere(made, "gpt-sim", "us")
    for name, facts in zip(names, models, strict=True):
        made.models.append(
            msgspec.structs.replace(
                template,
                model_id=name,
                context_window=facts["window"],
                max_output=facts["most"],
                capabilities=sorted(facts["able"]),  # type: ignore[call-overload]  # a set of words
            )
        )
        made.deployments.append(
            msgspec.structs.replace(
                served,
                deployment_id=f"dep_{name}",
                model_id=name,
                account_id="acc_us" if facts["region"] == "us" else "acc_openai",
            )
        )
        if facts["priced"]:
            price(made, name, *facts["rates"])  # type: ignore[misc]  # a pair
            if facts["long"]:
                price(made, name, *facts["long"], above=1_000)  # type: ignore[misc]  # a pair
    allowed = [name for name, facts in zip(names, models, strict=True) if facts["open"]]
    made.keys = [key_row(models=allowed)]
    if confined:
        made.projects = [msgspec.structs.replace(made.projects[0], regions=["cn"])]
    return made


def by_brute_force(
    models: dict[str, dict[str, object]], want: Wants, *, confined: bool
) -> str | None:
    """Return the model by the words of the rule, without looking at how it is done."""

    def may(facts: dict[str, object]) -> bool:
        return bool(facts["open"] and facts["priced"] and (facts["region"] == "cn" or not confined))

    def able(facts: dict[str, object]) -> bool:
        told = facts["able"]
        assert isinstance(told, frozenset)
        lacking = {need for need in want.needs if need in ABLE and ABLE[need] not in told}
        if Out.STREAMING in want.needs and "no_streaming" in told:
            return False
        return not lacking and not (facts["most"] and want.longest > int(str(facts["most"])))

    def fits(facts: dict[str, object], size: int) -> bool:
        return facts["window"] is None or size + want.longest <= int(str(facts["window"]))

    def cost(name: str) -> tuple[int, int]:
        facts = models[name]
        rates = facts["long"] if facts["long"] and want.tokens_in > 1_000 else facts["rates"]
        assert isinstance(rates, tuple)
        expected = (want.longest or EXPECTED_OUT) * want.answers
        return rates[0] * want.tokens_in + rates[1] * expected, list(models).index(name)

    good = [name for name, facts in models.items() if may(facts) and able(facts)]
    roomy = [name for name in good if fits(models[name], want.tokens_in)]
    roomy = roomy or [name for name in good if fits(models[name], want.tokens_least)]
    sound = [name for name in roomy if not models[name]["fails"]] or roomy
    return min(sound, key=cost, default=None)


def test_the_cheapest_comes_first_and_the_others_follow_by_price() -> None:
    choice = chosen(draft(), wants())
    assert models_of(choice) == [SMALL, MIDDLE, LARGE]
    assert isinstance(choice, Choice)
    routed = read_routed(choice.facts)
    assert routed is not None
    assert (routed.asked, routed.version, routed.chosen) == ("auto", 1, SMALL)
    size = wants().tokens_in
    assert routed.why.order[0] == (SMALL, size * 1_000_000 + EXPECTED_OUT * 4_000_000)
    assert "选 small" in routed.sentence()
    assert f"{size:,}" in routed.sentence()


def test_order_and_latency_choose_otherwise() -> None:
    ordered = draft(rule(LARGE, SMALL, MIDDLE, choose="order"))
    assert models_of(chosen(ordered, wants())) == [LARGE, SMALL, MIDDLE]
    vitals = Vitals()
    vitals.watch(["dep_small", "dep_middle", "dep_large"])
    for _ in range(TIMED):
        vitals.note("dep_small", NOW, failed=False, first_byte_ms=900)
        vitals.note("dep_large", NOW, failed=False, first_byte_ms=300)
    quick = draft(rule(SMALL, MIDDLE, LARGE, choose="latency"))
    assert models_of(chosen(quick, wants(), vitals=vitals)) == [LARGE, SMALL, MIDDLE]


@pytest.mark.parametrize(
    ("members", "first", "why"),
    [
        ({"tools": [TOOL]}, SMALL, None),
        ({"response_format": {"type": "json_object"}}, MIDDLE, Out.JSON),
        ({"response_format": {"type": "text"}}, SMALL, None),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, MIDDLE, Out.IMAGES),
        ({"messages": [{"role": "user", "content": "x" * 15_000}]}, SMALL, None),
        ({"messages": [{"role": "user", "content": "x" * 16_000}]}, MIDDLE, Out.CONTEXT),
        ({"max_tokens": 5_000}, MIDDLE, Out.OUTPUT),
        ({"max_tokens": 9_000}, LARGE, Out.OUTPUT),
        ({"messages": [{"role": "user", "content": 'it says "tools"'}]}, SMALL, None),
        ({"messages": [{"role": "user", "content": "response_format json_object"}]}, SMALL, None),
    ],
)
def test_what_a_request_asks_for_rules_models_out(
    members: dict[str, object], first: str, why: Out | None
) -> None:
    choice = chosen(draft(), wants(**members))
    assert models_of(choice)[0] == first
    assert out_of(choice).get(SMALL) == why


def test_a_picture_counts_as_a_picture_not_as_its_bytes() -> None:
    size = wants(messages=[{"role": "user", "content": [IMAGE, {"type": "text", "text": "?"}]}])
    assert 1_600 < size.tokens_in < 1_600 + 2 * HIDDEN


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (Api.ANTHROPIC_MESSAGES, {"tools": [{"name": "f", "input_schema": {}}]}),
        (Api.GEMINI_GENERATE, {"tools": [{"functionDeclarations": [{"name": "f"}]}]}),
        (Api.OPENAI_RESPONSES, {"tools": [{"type": "function", "name": "f"}]}),
    ],
)
def test_tools_are_seen_in_every_dialect(api: Api, body: dict[str, object]) -> None:
    assert needs_in(api, body) == {Out.TOOLS}


@pytest.mark.parametrize(
    ("api", "body", "need"),
    [
        (
            Api.ANTHROPIC_MESSAGES,
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
            Out.IMAGES,
        ),
        (
            Api.GEMINI_GENERATE,
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}]},
            Out.IMAGES,
        ),
        (
            Api.GEMINI_GENERATE,
            {"contents": [], "generationConfig": {"responseMimeType": "application/json"}},
            Out.JSON,
        ),
        (
            Api.OPENAI_RESPONSES,
            {"input": "hi", "text": {"format": {"type": "json_schema", "schema": {}}}},
            Out.JSON,
        ),
        (
            Api.OPENAI_CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image\\u005furl"}]}]},
            Out.IMAGES,
        ),
    ],
)
def test_needs_are_seen_in_every_dialect(api: Api, body: dict[str, object], need: Out) -> None:
    assert needs_in(api, body) == {need}


def needs_in(api: Api, body: dict[str, object]) -> frozenset[Out]:
    sent = msgspec.json.encode(body).replace(b"\\\\u", b"\\u")
    return wants_of(Call(api, request_hint(api, sent), sent)).needs


def test_a_task_has_its_own_rule_and_an_unknown_one_the_rest() -> None:
    made = draft(rule(LARGE, tasks=["legal"]), rule(SMALL, MIDDLE))
    assert models_of(chosen(made, wants(), task="legal")) == [LARGE]
    assert models_of(chosen(made, wants(), task="poetry")) == [SMALL, MIDDLE]
    assert models_of(chosen(made, wants(), task="")) == [SMALL, MIDDLE]


def test_what_is_expected_of_an_answer_is_the_keys_recent_mean() -> None:
    """Dear to write, cheap to read: it depends on how long answers are."""
    made = draft(rule(SMALL, "wordy"))
    made.models.append(msgspec.structs.replace(made.models[-1], model_id="wordy"))
    made.deployments.append(msgspec.structs.replace(made.deployments[-1], model_id="wordy"))
    price(made, "wordy", 0, 30)
    vitals = Vitals()
    assert models_of(chosen(made, wants(), vitals=vitals))[0] == SMALL
    for _ in range(30):
        vitals.answered("key_1", "", 4)
    assert models_of(chosen(made, wants(), vitals=vitals))[0] == "wordy"
    assert vitals.expected("key_1", "", 2) == 2
    assert vitals.expected("key_1", "other", 100) == 100


def test_a_model_that_fails_too_often_is_passed_over_and_forgiven() -> None:
    made, vitals = draft(), Vitals()
    vitals.watch(["dep_small"])
    for at in range(CALLS):
        vitals.note("dep_small", NOW, failed=at % 3 == 0)
    choice = chosen(made, wants(), vitals=vitals)
    assert models_of(choice) == [MIDDLE, LARGE, SMALL]
    assert out_of(choice) == {SMALL: Out.ERRORS}
    vitals.note("dep_small", NOW + 2 * SPAN_US, failed=False)
    assert vitals.of(["dep_small"], NOW + 2 * SPAN_US) == (None, None)


def test_a_broken_model_is_passed_over_unless_all_are() -> None:
    made, breakers = draft(), Breakers()
    for name in (SMALL, MIDDLE, LARGE):
        for _ in range(FAILURES):
            breakers.of(f"dep_{name}").failed(NOW)
        if name == SMALL:
            choice = chosen(made, wants(), breakers=breakers)
            assert models_of(choice) == [MIDDLE, LARGE, SMALL]
            assert out_of(choice) == {SMALL: Out.DOWN}
    assert models_of(chosen(made, wants(), breakers=breakers)) == [SMALL, MIDDLE, LARGE]


def test_a_slow_model_is_passed_over_where_the_rule_says_how_slow() -> None:
    vitals = Vitals()
    vitals.watch(["dep_small"])
    for _ in range(TIMED):
        vitals.note("dep_small", NOW, failed=False, first_byte_ms=2_000)
    slow = draft(rule(SMALL, MIDDLE, slow=1_500))
    assert models_of(chosen(slow, wants(), vitals=vitals)) == [MIDDLE, SMALL]
    assert models_of(chosen(draft(rule(SMALL, MIDDLE)), wants(), vitals=vitals))[0] == SMALL


def test_what_a_worker_remembers_is_bounded() -> None:
    vitals = Vitals()
    vitals.watch(["dep_small"])
    vitals.note("dep_of_nobody", NOW, failed=True)
    assert list(vitals.by_deployment) == ["dep_small"]
    for at in range(10_050):
        vitals.answered(f"key_{at}", "", 5)
    assert len(vitals.means) == 10_000
    vitals.watch([])
    assert (vitals.by_deployment, vitals.means) == ({}, {})


def test_a_project_is_never_led_astray_not_even_when_all_else_fails() -> None:
    """The cheapest is abroad, everything at home is broken: abroad is on no route."""
    made = draft()
    for name in (SMALL, MIDDLE):
        elsewhere(made, name, "us")
    made.deployments = [row for row in made.deployments if row.deployment_id != "dep_small"]
    made.projects = [msgspec.structs.replace(made.projects[0], regions=["cn"])]
    breakers = Breakers()
    for name in (MIDDLE, LARGE):
        for _ in range(FAILURES):
            breakers.of(f"dep_{name}").failed(NOW)
    choice = chosen(made, wants(), breakers=breakers)
    assert isinstance(choice, Choice)
    assert models_of(choice) == [MIDDLE, LARGE]
    assert {route.target.access.region for route in choice.routes} == {"cn"}
    assert out_of(choice)[SMALL] is Out.PROJECT


def test_a_key_never_reaches_a_model_that_is_not_on_its_list() -> None:
    made = draft()
    made.keys = [key_row(models=[LARGE, "gpt-sim"])]
    choice = chosen(made, wants())
    assert models_of(choice) == [LARGE]
    assert out_of(choice) == {SMALL: Out.KEY, MIDDLE: Out.KEY}
    made.keys = [key_row(models=["gpt-sim"])]
    why = str(refused(chosen(made, wants())).facts["why"])
    assert why == "；".join(f"{name}：未向该密钥开放" for name in (SMALL, MIDDLE, LARGE))


@pytest.mark.parametrize("dialect", list(Dialect))
def test_nobody_is_a_sentence_in_the_clients_own_words(dialect: Dialect) -> None:
    made = draft(rule("claude-sim", "gemini-sim", SMALL, tasks=["x"]), rule(SMALL))
    of_task = ruled(made, "x", dialect)
    own = {Dialect.OPENAI: SMALL, Dialect.ANTHROPIC: "claude-sim", Dialect.GEMINI: "gemini-sim"}
    assert [each.name for each in of_task.candidates] == [own[dialect]]
    assert {out for _, out in of_task.out} == {Out.DIALECT}
    huge = Wants(frozenset(), 9_000_000, 9_000_000, 0, 1)
    told = choose(
        "auto",
        1,
        of_task,
        "x",
        huge,
        vitals=Vitals(),
        breakers=Breakers(),
        chance=Random(1),
        now_us=NOW,
    )
    said = msgspec.json.decode(body_of(refused(told), dialect, "req_1", english=False))
    sentence = said["error"]["message"]
    for words in (
        "自动模型“auto”",
        "任务“x”",
        f"{own[dialect]}：请求放不进它的上下文",
        "不能从这个接口调用",
    ):
        assert words in sentence
    english = refused(told).sentence("req_1", english=True)
    assert "does not fit its context" in english


def test_a_policy_changes_at_its_instant() -> None:
    made = draft(rule(SMALL))
    made.autos.append(policy(rule(LARGE), version=2, starts_us=NOW + 10))
    made.autos.append(policy(rule(LARGE), version=3, starts_us=NOW + 20, active=False))
    admission = Admission(View(made.snapshot(), lambda _: CREDENTIAL))
    seen = []
    for now_us in (NOW, NOW + 9, NOW + 10, NOW + 19, NOW + 20):
        plan = admission.admit(
            made.keys[0].digest, "t", "auto", Dialect.OPENAI, "/v1/chat", now_us=now_us
        )
        auto = plan.auto if isinstance(plan, Plan) else None
        seen.append((auto.row.version, auto.of("").candidates[0].name) if auto else None)
    assert seen == [(1, SMALL), (1, SMALL), (2, LARGE), (2, LARGE), None]
    assert isinstance(plan, Refused)
    assert plan.code is Code.MODEL_UNKNOWN


def test_a_hard_cap_covers_the_dearest_model_that_may_answer() -> None:
    made = draft(rule(LARGE, tasks=["legal"]), rule(SMALL, MIDDLE))
    made.allowances = [CAP]
    view = View(made.snapshot(), lambda _: CREDENTIAL)
    body = msgspec.json.encode({"model": "auto", "messages": [], "max_tokens": 100})
    call = Call(Api.OPENAI_CHAT, RequestHint("auto", max_output=100), body)
    size = len(body) + HIDDEN
    for task, dearest in (("", MIDDLE), ("legal", LARGE)):
        plan = ruled(made, task).plan
        assert plan is not None
        assert plan.caps
        into, out = PRICES[dearest]
        assert worst_of(plan, call, view.models, now_us=NOW).pico == (
            (size * into + 100 * out) * 1_000_000
        )


def test_an_auto_model_is_listed_where_somebody_may_answer() -> None:
    made = draft(rule(SMALL), rule("claude-sim", tasks=["x"]))
    view = View(made.snapshot(), lambda _: CREDENTIAL)
    admission, key = Admission(view), made.keys[0]
    names = {d: admission.models(key, d, NOW) for d in Dialect}
    assert {d for d, listed in names.items() if isinstance(listed, list) and "auto" in listed} == {
        Dialect.OPENAI,
        Dialect.ANTHROPIC,
    }
    assert view.listed("auto").context_window == 128_000
    assert view.watched() == {"dep_small", "dep_claude-sim"}


def test_a_model_of_the_catalogue_goes_before_an_auto_model_of_the_same_name() -> None:
    made = draft()
    made.models[0] = msgspec.structs.replace(made.models[0], model_id="auto")
    admission = Admission(View(made.snapshot(), lambda _: CREDENTIAL))
    digest = made.keys[0].digest
    told = admission.admit(digest, "t", "auto", Dialect.OPENAI, "/v1/chat", now_us=NOW)
    assert isinstance(told, Refused), "it has no deployment, and nobody else answers for it"


# Snapshots of other builds --------------------------------------------------------------------


def test_a_snapshot_of_the_build_before_is_read() -> None:
    whole = msgspec.msgpack.decode(msgspec.msgpack.encode(draft().snapshot()))
    old = whole[:12]
    old[1] = [key[:8] for key in old[1]]
    old[5] = [each[:8] for each in old[5]]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=Snapshot)
    assert (read.autos, read.keys[0].task, read.models[0].capabilities) == ([], "", [])
    assert View(read, lambda _: CREDENTIAL).watched() == set()


NEW = {"autos", "prefixes"}
"""What a snapshot holds since; it comes last."""


def test_the_build_before_reads_a_snapshot_of_this_one() -> None:
    """What it does not know comes last in every row, and msgspec leaves that aside."""
    old = msgspec.defstruct(
        "Old",
        [(name, type_) for name, type_ in Snapshot.__annotations__.items() if name not in NEW],
        namespace={},
        array_like=True,
        module="yuejie.gateway.snapshot",
    )
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(draft().snapshot()), type=old)
    assert read.workers == 1  # type: ignore[attr-defined]  # made above
    assert plan_of(draft()).auto is not None
