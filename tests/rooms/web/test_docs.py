"""The description of the API: complete, in Chinese, and readable without a network."""

import re
from typing import Any

from tests.rooms.web.conftest import Museum
from yuejie.web.auth import ACCESS, Who


def described(museum: Museum) -> dict[str, Any]:
    made: dict[str, Any] = museum.client.get("/api/openapi.json").json()
    return made


def test_every_guarded_route_is_described(museum: Museum) -> None:
    told = {
        (method.upper(), path)
        for path, methods in described(museum)["paths"].items()
        for method in methods
    }
    guarded = {
        (method, path.replace(":path}", "}"))
        for (method, path), who in ACCESS.items()
        if who is not Who.OPEN
    }
    assert told == guarded


def test_every_route_is_explained_in_chinese_with_its_refusals(museum: Museum) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for path, methods in described(museum)["paths"].items():
        for operation in methods.values():
            assert chinese.search(operation["summary"]), path
            assert chinese.search(operation["description"]), path
            assert operation["security"], path
            problem = operation["responses"]["404"]["content"]["application/problem+json"]
            assert problem["schema"]["$ref"].endswith("/Problem")


def test_every_field_is_described(museum: Museum) -> None:
    for name, schema in described(museum)["components"]["schemas"].items():
        if name == "Problem":
            continue
        for field, said in schema.get("properties", {}).items():
            assert said.get("description"), f"{name}.{field}"


def test_every_tag_is_explained(museum: Museum) -> None:
    made = described(museum)
    known = {tag["name"] for tag in made["tags"]}
    used = {
        tag
        for methods in made["paths"].values()
        for operation in methods.values()
        for tag in operation["tags"]
    }
    assert used == known


def test_the_page_asks_nothing_of_other_hosts(museum: Museum) -> None:
    page = museum.client.get("/api/docs")
    assert page.status_code == 200
    assert "//" not in re.sub(r"<!doctype[^>]*>", "", page.text)
    for name in re.findall(r'(?:src|href)="(/api/docs/[^"]+)"', page.text):
        answer = museum.client.get(name)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "connect-src 'self'" in page.headers["content-security-policy"]


def test_no_other_file_is_served(museum: Museum) -> None:
    for name in ("LICENSE", "..%2Fdocs.py", "swagger-ui", "%2e%2e"):
        assert museum.client.get(f"/api/docs/{name}").status_code == 404


def test_metrics_count_routes_not_names(museum: Museum) -> None:
    client, operator = museum.client, museum.operator
    operator.get("/api/v1/customers/somebody")
    client.request("GIBBERISH", "/nowhere/somebody")
    told = client.get("/metrics").text
    assert "yuejie_console_database_up 1.0" in told
    route = 'route="/api/v1/customers/{customer}",status="404"'
    assert re.search(rf"yuejie_console_requests_total\{{method=\"GET\",{re.escape(route)}", told)
    assert "somebody" not in told
    assert "GIBBERISH" not in told
