"""What every page stands in: the reader's language and look, files, pages that are not there."""

import re

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House
from tests.rooms.web.test_pages import admin, browser, token_in

__all__ = ["admin", "browser"]


def test_meters_are_named_in_the_readers_language(admin: TestClient, house: House) -> None:
    path = f"/bills/{house.acme_bill.number}"
    assert "<td>输入</td>" in admin.get(path).text
    form = {"language": "en", "form_token": token_in(admin.get(path))}
    admin.post("/look", data=form)
    assert "<td>input</td>" in admin.get(path).text


def test_language_and_theme_are_kept(admin: TestClient) -> None:
    token = token_in(admin.get("/"))
    for form in ({"language": "en"}, {"theme": "dark"}, {"language": "xx", "theme": "<"}):
        admin.post("/look", data=form | {"form_token": token, "next": "/bills"})
    page = admin.get("/bills").text
    assert 'lang="en"' in page
    assert 'data-bs-theme="dark"' in page
    assert "No bills" in page


def test_only_known_files_are_given_away(browser: TestClient) -> None:
    page = browser.get("/setup").text
    for path in re.findall(r'(?:href|src)="(/static/[^"#]+)"', page):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
    for path in ("../settings.py", "..%2fsettings.py", "vendor/README.txt", "nothing.css"):
        assert browser.get(f"/static/x/{path}").status_code == 404


def test_an_unknown_page_is_a_page(admin: TestClient) -> None:
    answer = admin.get("/nowhere")
    assert (answer.status_code, "<h1" in answer.text) == (404, True)
    assert admin.get("/api/v1/nowhere").headers["content-type"] == "application/problem+json"
