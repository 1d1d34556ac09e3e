"""What a provider is sent names the model that was admitted and priced, and no other."""

from typing import cast

import pytest

from tests.rooms.gateway.autos import SMALL, draft, rule, ruled
from yuejie.gateway.call.asked import Asked
from yuejie.gateway.call.endpoints import POSTS
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.upstream.port import Said
from yuejie.usage.dialects import request_hint


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"dearer","messages":[],"model":"gpt-sim"}',
        b'{"mod\\u0065l":"dearer","messages":[],"model":"gpt-sim"}',
        b'{"model":"gpt-sim","messages":[]}',
    ],
)
def test_one_reader_takes_the_first_word_and_another_the_last(body: bytes) -> None:
    plan = ruled(draft(rule(SMALL)), "").plan
    assert plan is not None
    endpoint = POSTS["/v1/chat/completions"]
    asked = Asked(
        exchange=cast("Exchange", None),
        endpoint=endpoint,
        action=None,
        operation=bytes(16),
        request_id="req_1",
        query="",
        said=Said.of([]),
        english=False,
        hint=request_hint(endpoint.api, body),
        body=body,
        form=None,
        plan=plan,
        tags="",
    )
    assert asked.hint.model == plan.routes[0].target.upstream_model == "gpt-sim"
    sent = asked.body_for(plan.routes[0])
    assert isinstance(sent, bytes)
    assert b"dearer" not in sent
    assert sent == body.replace(b"dearer", b"gpt-sim")
