"""Tasks of finance people and developers, each done from the home page by clicks alone.

They are walked in the practice house, in this order: what one leaves behind the next takes up.
`make guide` runs them; `docs/guide/tasks.md` says how they went when a fresh pair of eyes tried.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests.browser.practice import WANTED, Practice, Walk, practising
from tests.postgres import open_folder

# Who does what, and in how many clicks, as they were counted.
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
    "approve": ("运营财务", "批准客户的发票申请", 2),
    "price-on": ("客户财务", "查一个模型在某一天的单价", 2),
    "which-key": ("客户财务", "找出是哪把密钥让某天的费用跳了上去", 3),
    "pay": ("客户财务", "付一张账单：汇到哪里，附言写什么", 1),
    "statement": ("客户财务", "下载对账单", 3),
    "refused": ("客户开发", "问一次调用为什么被拒绝", 3),
    "title": ("客户财务", "更改发票抬头的电话", 4),
    "invite": ("客户管理员", "邀请一位同事作审计", 2),
    "confirm": ("客户财务", "确认账单", 2),
    "issue": ("运营财务", "把当月的账单全部出账", 2),
    "bank": ("运营财务", "导入银行流水，并认下一笔付款方不明的款", 6),
    "limit": ("运营管理员", "给客户一个临时额度", 5),
    "let": ("运营财务", "批准临时额度", 2),
    "dearer-price": ("运营管理员", "调高一个模型的价格", 5),
    "let-price": ("运营财务", "批准别人提出的调价", 3),
    "suspend": ("运营管理员", "停用一个客户，再恢复", 5),
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
    august = f"{_two_months_ago()}-06"
    walk.press(f"tr:has(td:last-child:text-matches('^{august}')) a[href^='/fapiao/']")
    assert _taken(walk, "main a:has-text('PDF') >> nth=0").startswith(b"%PDF-")


def _taken(walk: Walk, what: str) -> bytes:
    """Press what downloads a file, and return the file."""
    with walk.page.expect_download() as got:
        walk.press(what)
    return Path(got.value.path()).read_bytes()


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


def price_on(walk: Walk) -> None:
    walk.menu("单价")
    walk.page.fill("#on", f"{_two_months_ago()}-15")
    walk.page.fill("#model", "gpt-4o-mini")
    walk.press("main form button:has-text('查询')")
    walk.sees("1.20")
    expect(walk.page.locator("main")).not_to_contain_text("claude")


def which_key(walk: Walk) -> None:
    """The day stands out in the table; it may lie in the month before, on the first days of one."""
    walk.menu("用量")
    dearest = walk.page.evaluate(
        "[...document.querySelectorAll('tbody tr')].sort((a, b) => "
        "b.cells[3].dataset.value - a.cells[3].dataset.value)[0].querySelector('a').textContent"
    )
    walk.press(f"tbody a:text-is('{dearest}')")
    walk.press("a:has-text('哪些密钥')")
    walk.sees("客服-后端")


def pay(walk: Walk) -> None:
    walk.menu("付款")
    walk.sees("附言请写账单号")
    walk.sees("110912345610801")


def statement(walk: Walk) -> None:
    walk.menu("付款")
    walk.press("a:has-text('对账单')")
    assert _taken(walk, "a:has-text('对账单 PDF')").startswith(b"%PDF-")


def refused(walk: Walk) -> None:
    walk.menu("工单")
    walk.press("a:has-text('提交工单')")
    walk.page.fill("#subject", "昨天 14 点的调用被拒绝")
    walk.page.fill("#text", "返回 429，额度看上去没有用完，请告知原因")
    walk.press("main form button:has-text('提交工单')")
    walk.sees("待响应")


def title(walk: Walk) -> None:
    walk.menu("发票")
    walk.press("a:has-text('抬头管理')")
    walk.press("summary:has-text('修改') >> nth=0")
    walk.page.fill("details[open] input[name=phone]", "021-55556666")
    walk.press("details[open] form button >> nth=-1")
    walk.sees("021-55556666")


def invite(walk: Walk) -> None:
    walk.menu("成员")
    walk.page.fill("#name", "练习客户审计")
    walk.page.select_option("#role", label="审计")
    walk.press("button:has-text('登记并生成邀请')")
    walk.sees("/invitation/")


def confirm(walk: Walk) -> None:
    walk.press("a:has-text('账单待您确认')")
    walk.press("button:has-text('确认账单')")
    walk.sees("已确认")


def issue(walk: Walk) -> None:
    walk.menu("月结工作台")
    walk.press("button:has-text('全部出账')")
    walk.sees("已出账")


def bank(walk: Walk) -> None:
    walk.menu("银行")
    heads = "交易日期,交易流水号,贷方发生额,对方户名,对方账号,摘要"
    today = walk.page.evaluate("new Date().toISOString().slice(0, 10)")
    row = f"{today},WALK1,321.00,路人贸易有限公司,6222999900001111,服务费"
    body = f"{heads}\n{row}\n".encode()
    slip: FilePayload = {"name": "流水.csv", "mimeType": "text/csv", "buffer": body}
    walk.page.set_input_files("#file", slip)
    walk.press("button:has-text('导入')")
    walk.press("tr:has-text('路人贸易') a")
    walk.page.select_option("#customer", label="练习零售有限公司")
    walk.press("button:has-text('看它的账单')")
    paper: FilePayload = {
        "name": "代付协议.pdf",
        "mimeType": "application/pdf",
        "buffer": b"%PDF-1.7\n",
    }
    walk.page.set_input_files("#document", paper)
    walk.press("button:has-text('登记代付协议')")
    walk.press("button:text-is('认款')")
    walk.sees("认款记录")


def limit(walk: Walk) -> None:
    walk.menu("客户")
    walk.press("tbody a:has-text('练习科技') >> nth=0")
    walk.press("main a:text-is('付款')")
    walk.press("summary:has-text('给一个临时额度')")
    walk.page.fill("#limit-amount", "50000")
    walk.page.fill("#limit-end", "2999-12-31")
    walk.page.fill("#limit-why", "大促")
    walk.press("button:has-text('申请临时额度')")
    walk.sees("待批准")


def let(walk: Walk) -> None:
    walk.press("a:has-text('临时额度待审批')")
    walk.press("form[action*='/limits/'] button:has-text('批准')")
    walk.sees("临时额度已批准")


def dearer_price(walk: Walk) -> None:
    walk.menu("价目")
    walk.press("tbody a:text-is('sale')")
    sheet = _taken(walk, "a:has-text('下载现行价目')")
    dearer = sheet.replace(b"gpt-4o-mini,chat,output,4.80", b"gpt-4o-mini,chat,output,5.00")
    assert dearer != sheet
    file: FilePayload = {"name": "sale.csv", "mimeType": "text/csv", "buffer": dearer}
    walk.page.set_input_files("#file", file)
    walk.press("button:has-text('试算')")
    walk.press(".report button")
    walk.sees("由您提出，须由另一人审批")


def let_price(walk: Walk) -> None:
    walk.press("a:has-text('调价待审批')")
    walk.press("section:has(h2:text-is('调价')) a:text-is('查看')")
    walk.sees("涨价")
    walk.press("button:text-is('批准')")
    walk.sees("调价已批准")


def suspend(walk: Walk) -> None:
    walk.menu("客户")
    walk.press("tbody a:has-text('练习零售') >> nth=0")
    walk.press("a:has-text('资料与项目')")
    for state in ("停用", "启用"):
        walk.page.select_option("#state", label=state)
        walk.press("button:has-text('保存资料')")
        walk.sees("客户资料已更改")


def _two_months_ago() -> str:
    """Return last month but one: in November the fapiao issued then is August's."""
    today = datetime.now(UTC).date().replace(day=1)
    for _ in range(2):
        today = (today - timedelta(days=1)).replace(day=1)
    return f"{today:%Y-%m}"


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
    "price-on": price_on,
    "which-key": which_key,
    "pay": pay,
    "statement": statement,
    "refused": refused,
    "title": title,
    "invite": invite,
    "confirm": confirm,
    "issue": issue,
    "bank": bank,
    "limit": limit,
    "let": let,
    "dearer-price": dearer_price,
    "let-price": let_price,
    "suspend": suspend,
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_done_from_the_home_page(browser: Browser, practice: Practice, name: str) -> None:
    who, what, clicks = TITLES[name]
    walk = practice.enter(browser, who)
    TASKS[name](walk)
    walk.page.context.close()
    assert walk.clicks == clicks, f"{who} {what}: {walk.clicks} clicks"
