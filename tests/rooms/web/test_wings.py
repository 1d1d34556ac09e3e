"""A request asks the few routes of its wing, and finds there what it would find among all."""

import re
from typing import cast

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import application
from yuejie.web.app import Wings, wing_of
from yuejie.web.auth import API

MANY = 64
"""More routes than any noun has."""


@pytest.fixture
def routes() -> list[APIRoute]:
    return cast("list[APIRoute]", application().routes)


@pytest.fixture
def wings() -> Wings:
    stack = application().router.middleware_stack
    assert isinstance(stack, Wings)
    return stack


@pytest.mark.parametrize("said", ["x", "new", "1", "a.b", "x/y"])
def test_a_wing_answers_as_the_whole_house_would(
    routes: list[APIRoute], wings: Wings, said: str
) -> None:
    """For every path that is served: the same routes match it, in the same order."""
    for path in {re.sub(r"\{[^}]*\}", said, route.path) for route in routes}:
        wing = wings.wing_at(path)
        assert wing is not None
        assert len(wing.routes) < MANY, path
        among = cast("list[APIRoute]", wing.routes)
        matching = [route for route in routes if route.path_regex.match(path)]
        assert [route for route in among if route.path_regex.match(path)] == matching, path


@pytest.mark.parametrize(
    ("path", "wing"),
    [
        ("/", "/"),
        ("/bills", "/bills"),
        ("/bills/", "/bills"),
        ("/bills/1/lines/2", "/bills"),
        (f"{API}/bills", f"{API}/bills"),
        (f"{API}/bills/1", f"{API}/bills"),
        (f"{API}//bills", f"{API}/"),
        (API, "/api"),
        ("/api/openapi.json", "/api"),
    ],
)
def test_a_wing_is_named_by_the_noun_of_a_path(path: str, wing: str) -> None:
    assert wing_of(path) == wing


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/bills/1/2/3/4/5", 404),
        ("GET", f"{API}/nowhere", 404),
        ("GET", f"{API}//bills", 404),
        ("DELETE", "/healthz", 405),
        ("PUT", f"{API}/bills", 405),
    ],
)
def test_what_no_route_serves_is_refused_as_before(
    client: TestClient, method: str, path: str, status: int
) -> None:
    assert client.request(method, path).status_code == status
