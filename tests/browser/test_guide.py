"""The finance guide: its pictures are of pages that exist, and are taken anew by `make guide`."""

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.guide import FOLDER, MOST_BYTES, PICTURES
from tests.browser.practice import WANTED, Practice, practising
from tests.postgres import open_folder
from yuejie.web.pages.first.guide import GUIDE
from yuejie.web.pages.frame.access import PAGES

COLOURS = 96
SIZE = {"width": 1120, "height": 780}


def test_every_picture_is_of_a_page_that_exists() -> None:
    shown = set(re.findall(r"\(pictures/([\w-]+)\.png\)", (FOLDER / GUIDE).read_text("utf-8")))
    kept = {each.stem for each in (FOLDER / "pictures").glob("*.png")}
    assert shown == kept == PICTURES.keys()
    assert {("GET", each.path) for each in PICTURES.values()} <= PAGES.keys()
    assert sum(each.stat().st_size for each in (FOLDER / "pictures").iterdir()) <= MOST_BYTES


def test_every_link_of_the_guide_leads_to_a_page() -> None:
    linked = set(re.findall(r"\]\(console://(/[\w/-]*)\)", (FOLDER / GUIDE).read_text("utf-8")))
    assert linked
    assert {("GET", path) for path in linked} <= PAGES.keys()


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    if not WANTED:
        pytest.skip("`make guide` takes the pictures anew")
    with open_folder() as home, practising(home) as house:
        yield house


def test_pictures_are_taken(browser: Browser, practice: Practice) -> None:
    """Each in the practice house, in few colours, so that the guide stays small."""
    for name, picture in PICTURES.items():
        walk = practice.enter(browser, picture.who)
        walk.page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a dict of the same two
        walk.page.goto(f"{practice.url}{picture.path}")
        if picture.press:
            walk.press(picture.press)
        walk.page.wait_for_timeout(300)
        image = Image.open(io.BytesIO(walk.page.screenshot()))
        path = FOLDER / "pictures" / f"{name}.png"
        image.convert("RGB").quantize(COLOURS).save(path, optimize=True)
        walk.page.context.close()
