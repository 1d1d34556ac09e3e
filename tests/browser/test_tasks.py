"""Ten tasks of finance people and developers, each done from the home page by clicks alone.

They are walked in the practice house, in this order: what one leaves behind the next takes up.
`make guide` runs them; `docs/guide/tasks.md` says how they went when a fresh pair of eyes tried.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.practice import WANTED, Practice, Walk, practising
from tests.postgres import open_folder

# Who does what, and in how many clicks at most.
TITLES: dict[str, tuple[str, str, int]] = {
    "dearer": ("客户财务", "弄清本月为什么比上月贵", 2),
    "dispute": ("客户财务", "对待确认账单的一行提异议", 3),
    "fapiao-file": ("客户财务", "下载八月那张发票的文件", 3),
    "fapiao-ask": ("客户财务", "给已出账的账单申请发票", 3),
    "cap": ("客户财务", "把一个项目限到每天 500 元", 2),
    "claim": ("客户财务", "告诉运营方一笔已付的款", 2),
    "code": ("客户开发", "找到网关地址和可复制的代码", 1),
    "key": ("运营管理员", "给客户签发一把密钥并真实调用一次", 4),
    "answer": ("运营财务", "答复客户的异议", 3),
    "approve": ("运营财务", "批准客户的发票申请", 3),
}


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    if not WANTED:
        pytest.skip("the practice house takes half a minute: `make guide` walks the tasks")
    with open_folder() as home, practising(home) as house:
        yield house


def dearer(walk: Walk) -> None:
    walk.menu("趋势")
    walk.sees("费用为什么变")
    walk.press("button:has-text('比较')")
    walk.sees("gpt-4o")


def dispute(walk: Walk) -> None:
    walk.press("a:has-text('账单待您确认')")
    walk.press("summary:has-text('提出异议') >> nth=0")
    walk.page.fill("textarea[name=why]:visible >> nth=0", "这一行与我们的记录不符")
    walk.press("form[action$='/dispute'] button:visible >> nth=0")
    walk.sees("有异议")


def fapiao_file(walk: Walk) -> None:
    walk.menu("发票")
    walk.press("tbody a[href^='/fapiao/'] >> nth=0")
    with walk.page.expect_download() as got:
        walk.press("main a:has-text('PDF') >> nth=0")
    assert Path(got.value.path()).stat().st_size > 0


def fapiao_ask(walk: Walk) -> None:
    walk.menu("发票")
    walk.press("input[type=checkbox] >> nth=0")
    walk.press("button:has-text('申请发票')")
    walk.sees("待批准")


def cap(walk: Walk) -> None:
    walk.menu("额度")
    walk.page.fill("#name", "客服每日上限")
    walk.page.fill("#cap", "500")
    walk.page.select_option("#period", label="每日")
    walk.page.select_option("#mode", label="硬限额")
    walk.page.select_option("#project", label="客服")
    walk.press("button:has-text('新增额度')")
    walk.sees("客服每日上限")


def claim(walk: Walk) -> None:
    walk.menu("付款")
    walk.page.fill("#payer_name", "练习科技有限公司")
    walk.page.fill("#amount", "6016.63")
    walk.page.fill("#paid_on", walk.page.evaluate("new Date().toISOString().slice(0, 10)"))
    walk.press("button:has-text('提交认领')")
    walk.sees("6,016.63")


def code(walk: Walk) -> None:
    walk.menu("快速开始")
    walk.sees("Python · OpenAI SDK")
    walk.sees("base_url")


def key(walk: Walk) -> None:
    walk.menu("开始使用")
    walk.press("a:has-text('项目与密钥') >> nth=0")
    walk.page.fill("#name", "试用")
    walk.press("button:has-text('签发密钥')")
    walk.press("button:has-text('测试调用')")
    expect(walk.page.locator("h3:has-text('调用成功')")).to_be_visible()


def answer(walk: Walk) -> None:
    walk.press("a:has-text('异议待答复')")
    walk.press("tbody a >> nth=0")
    walk.page.fill("form[action$='/reject'] [name=answer] >> nth=0", "已核对，逐日用量见账单明细")
    walk.press("form[action$='/reject'] button >> nth=0")
    walk.sees("已核对")


def approve(walk: Walk) -> None:
    walk.press("a:has-text('发票申请待批准')")
    walk.press("form[action$='/approve'] button >> nth=0")
    walk.sees("已批准")


TASKS: dict[str, Callable[[Walk], None]] = {
    "dearer": dearer,
    "dispute": dispute,
    "fapiao-file": fapiao_file,
    "fapiao-ask": fapiao_ask,
    "cap": cap,
    "claim": claim,
    "code": code,
    "key": key,
    "answer": answer,
    "approve": approve,
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_done_from_the_home_page(browser: Browser, practice: Practice, name: str) -> None:
    who, what, most = TITLES[name]
    walk = practice.enter(browser, who)
    TASKS[name](walk)
    walk.page.context.close()
    assert walk.clicks <= most, f"{what}: {walk.clicks} clicks"
