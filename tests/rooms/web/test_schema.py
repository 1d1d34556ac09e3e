"""The API keeps the word of its own OpenAPI: Schemathesis asks what it allows, and reads answers.

Every operation is asked with data that its schema allows, and some that it forbids; no answer is a
500, and each is one that the description has: its status, its media type, its body.
A run is the same every time. `YUEJIE_SCHEMA_EXAMPLES=100` asks each operation so often, which takes
an hour; `YUEJIE_SCHEMA_ONLY=words` asks the operations whose path or method has them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.postgres import fresh_database
from tests.rooms.web.conftest import NOW, OPERATOR, House, Museum, bearer, desk_at, inhabit
from tests.rooms.web.examples import ANYBODYS, BODIES, contract_of
from tests.scenarios.books import FixedClock
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.web.api.billing.watchers import EVENT
from yuejie.web.app import make_app
from yuejie.web.auth import API
from yuejie.web.shapes.billing.live import LiveOut

EXAMPLES: Final = int(os.environ.get("YUEJIE_SCHEMA_EXAMPLES", "2"))
ONLY: Final = os.environ.get("YUEJIE_SCHEMA_ONLY", "")
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SEEN: Counter[int] = Counter()
ENDLESS: Final = "/bills/live/stream"
"""Events that come for as long as somebody listens: asked for a second of them."""
LONGEST: Final = 600


def test_no_answer_is_one_that_the_description_does_not_have(postgres: EmbeddedPostgres) -> None:
    with (
        fresh_database(postgres, "yuejie") as urls,
        Database.open(urls.app, size=8, name="schema") as db,
    ):
        house = inhabit(db)
        app: Any = make_app(desk_at(db, FixedClock(NOW)))
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
        with asgi.get_client(app) as session:
            lies = [lie for each in _operations(schema) for lie in _lies(each, session, house)]
    assert SEEN[200] > 50, SEEN
    assert lies == [], "\n\n".join(lies)


def _operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        operation = found.ok()
        if ONLY in operation.label:
            yield operation


def _lies(operation: Any, session: Any, house: House) -> list[str]:
    """Ask one operation, and return what it answered beside its description."""
    lies: dict[str, str] = {}
    known = _known(house)
    body = BODIES.get(f"{operation.method.upper()} {operation.path.removeprefix(API)}")
    modes = st.sampled_from([GenerationMode.POSITIVE] * 3 + [GenerationMode.NEGATIVE])

    @hypothesis.seed(6)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(modes)
        try:
            case = data.draw(operation.as_strategy(generation_mode=mode))
        except hypothesis.errors.Unsatisfiable:
            return
        for name in case.path_parameters or {}:
            if name in known and data.draw(st.integers(0, 3)):
                case.path_parameters[name] = known[name]
        if isinstance(body, dict) and isinstance(case.body, dict) and data.draw(st.booleans()):
            case.body = {**body, **data.draw(_some_of(case.body))}
        if operation.path.endswith(ENDLESS):
            _hurry(case)
        try:
            answer = case.call(session=session, headers=OPERATOR, timeout=120)
            SEEN[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for each in group.exceptions:
                lies.setdefault(*_told(operation, each, case))

    ask()
    return list(lies.values())


def _hurry(case: Any) -> None:
    """Ask a stream to end after a second, unless how long is what is asked wrongly."""
    asked = case.query or {}
    seconds = asked.get("seconds", LONGEST)
    if isinstance(seconds, int) and 1 <= seconds <= LONGEST:
        case.query = asked | {"seconds": 1}


def test_the_stream_keeps_the_word_of_its_description(museum: Museum) -> None:
    """Its status and kind; whole events of the shapes the API has; who is refused, and for what.

    That it ends with the key that opened it, `test_live` sees.
    """
    path = f"{API}/customers/acme{ENDLESS}"
    own = bearer(museum.house.acme_key.secret)
    answer = museum.client.get(path, params={"seconds": 1, "lines": 1}, headers=own)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{EVENT}; charset=utf-8")
    assert answer.headers["x-request-id"]
    retry, first, *later = answer.text.removesuffix("\n\n").split("\n\n")
    assert retry == "retry: 1000"
    name, _, data = first.partition("\n")
    assert name == "event: bill"
    bill = LiveOut.model_validate_json(data.removeprefix("data: "))
    assert bill.customer == "acme"
    assert set(later) <= {": nothing moved"}
    for wrong in ({"seconds": 0}, {"seconds": 601}, {"lines": -1}, {"language": "fr"}):
        refused = museum.client.get(path, params=wrong, headers=own)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), wrong
    other = museum.client.get(path.replace("acme", "zeta"), headers=own)
    assert (other.status_code, other.json()["code"]) == (404, "not_found")
    assert museum.client.get(path).status_code == 401


@st.composite
def _some_of(draw: st.DrawFn, fields: dict[str, Any]) -> dict[str, Any]:
    """A valid deed with a strange field or two goes further than one that is strange throughout."""
    if not fields:
        return {}
    chosen = draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))
    return {name: fields[name] for name in chosen}


def _told(operation: Any, failure: Any, case: Any) -> tuple[str, str]:
    title = failure.title if isinstance(failure, Failure) else type(failure).__name__
    said = f"{operation.label}: {title}: {failure}"
    return f"{title} {str(failure)[:80]}", f"{said[:600]}\n{case.as_curl_command()[:900]}"


def _known(house: House) -> dict[str, str]:
    plain = {name.removesuffix(":path"): value for name, value in ANYBODYS.items()}
    return plain | {
        "key_id": house.zeta_key.key.key_id,
        "request_id": house.zeta_call,
        "bill": str(house.zeta_bill.number),
        "title": house.zeta_title,
        "contact_id": house.zeta_contact,
        "channel_id": house.zeta_channel,
        "contract": contract_of(house),
        "finding": house.zeta_finding,
        "report": house.zeta_report,
        "run": house.zeta_run,
        "advice": house.zeta_advice,
    }
