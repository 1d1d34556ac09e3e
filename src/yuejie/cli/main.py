"""The root command and its nouns, each loaded when asked for: a gateway needs no PDF writer."""

import sys
from codecs import lookup, register_error
from importlib import import_module
from io import TextIOWrapper
from typing import Final, NoReturn
from unicodedata import normalize

import click

from yuejie import __version__
from yuejie.cli.mistakes import USAGE, refused_path, sentence_of
from yuejie.kernel.errors import DomainError

SECTIONS: Final = {
    "运行": {
        "serve": ("house", "运行整套服务：数据库、网关、采集、控制台、文书，一个监督进程看护。"),
        "gateway": ("house", "运行一个网关进程（同一端口可运行多个）。"),
        "intake": ("house", "运行采集进程：流水入库，快照下发；每个网关节点一个。"),
        "console": ("house", "运行控制台进程：页面与 REST 接口。"),
        "clerk": ("house", "运行文书进程：日历到点该办的事。"),
        "demo": ("house", "演示：真实流量经过网关，关上一个月，出账。"),
        "practice": (
            "house",
            "练习环境：一家有几个月账单的练习客户，自成一套，与真实账目无关，可随时移除。",
        ),
        "apply": (
            "house",
            "按文件登记供应商、模型、价目、客户、项目和密钥；说明改了什么，重复执行不再改动。",
        ),
    },
    "客户与合同": {
        "customers": ("customers", "客户。"),
        "projects": ("customers", "项目：客户的成本中心。"),
        "keys": ("customers", "密钥：签发、轮换、吊销、本机封禁。"),
        "contracts": ("agreed.contracts", "合同：起草、审核、签署、变更、续约、终止，文本与附件。"),
        "grants": ("agreed.grants", "套餐与代金券：由一人提出、另一人审批，用量先从中抵扣。"),
        "limits": ("agreed.limits", "临时授信额度：由一人提出、另一人审批，到期自动失效。"),
    },
    "模型与价目": {
        "models": ("catalog", "模型目录：上下架、停用通知、自动模型。"),
        "deployments": ("catalog", "部署：模型在哪个供应商账号上提供。"),
        "price": ("prices", "价目：导入、查看、解释。"),
        "fx": ("prices", "汇率：登记与查看。"),
    },
    "用量与额度": {
        "usage": ("usage", "用量：查看、导入、待处理清单、更正、重建。"),
        "budgets": ("watch.budgets", "额度：金额、token、请求数、并发的限额，限速，提醒。"),
        "anomalies": ("watch.anomalies", "异常：用量、费用、请求与失败的异常，谁造成，花了多少。"),
        "protections": (
            "watch.protections",
            "防护：发现用量异常时自动限速、暂停或待批准；都可解除，都有记录。",
        ),
        "sla": ("books.sla", "服务质量：可用率、时延、责任与赔付。"),
        "clouds": (
            "books.clouds",
            "云账单：导入 AWS、Azure、GCP 与 FOCUS 账单，按合同加价转到客户账单。",
        ),
        "shares": (
            "billing.shares",
            "成本分摊：把账单上归整个客户的金额分到项目与部门，分到每一分钱。",
        ),
    },
    "账单与发票": {
        "bills": ("billing.entrance", "账单：关账、查看、出账、导出。"),
        "prove": ("billing.bills", "验证：用独立的慢路径从原始事件重算整月，与账单比对到分。"),
        "disputes": ("billing.review", "异议：客户对账单某一行的意见。"),
        "adjustments": (
            "billing.corrections",
            "调整：由一人提出、另一人审批，出现在客户的下一张账单上。",
        ),
        "credits": ("billing.corrections", "冲减单：冲减已出账的账单，账单本身不变。"),
        "fapiao": ("fapiao.entrance", "发票：抬头、可开票金额、申请、批准、红冲、归档。"),
    },
    "收款与账簿": {
        "bank": ("money.bank", "银行：账户、专属账号、流水导入、代付协议。"),
        "receipts": ("money.receipts", "到账：匹配、认款、认领、退款。"),
        "receivables": ("money.receivables", "应收：未付账单、账龄、对账单、催收、核销、停服。"),
        "ledger": ("books.ledger", "账簿：检查、余额、明细账、试算平衡表、重建余额。"),
        "reconcile": ("books.reconcile", "对账：导入供应商的用量与费用报告，与我方计量逐项比对。"),
        "providers": ("books.providers", "供应商：账号余额与告警、供应商账单、付款（两人审批）。"),
        "margin": (
            "books.reconcile",
            "毛利：一个月的用量按销售价减成本价，不含税，折合人民币（默认上个月）。",
        ),
    },
    "洞察": {
        "trend": (
            "insight.trend",
            "趋势：月、周、日、小时的费用与用量，任意维度；两期相比，为什么变。",
        ),
        "forecast": (
            "insight.forecast",
            "预测：月底会用多少、额度何时用完、今后三个月，都带区间与回测误差。",
        ),
        "capacity": (
            "insight.capacity",
            "容量：各供应商账号、各模型最忙的一分钟离供应商的配额还有多远，何时会到。",
        ),
        "advice": (
            "insight.advice",
            "优化建议：按自己的用量和现行价目，改什么、每月省多少、怎么算的。",
        ),
        "whatif": (
            "insight.whatif",
            "假如：把一个月按别的价目、条款、模型或部署重放，逐行比较；不写入任何数据。",
        ),
        "routing": ("insight.routing", "智能选模：自动模型逐月省了多少。"),
        "reports": ("insight.reports", "报表：保存的用量报表，按时生成并以邮件发送，或当场生成。"),
    },
    "售前": {
        "presales": (
            "presales.entrance",
            "售前：潜在客户、需求表、历史用量重放、报价与比较；不产生客户、合同或用量。",
        ),
        "trial": (
            "presales.trial",
            "试用：申请、审批、用量、报告与账单样张、转正式合同。用量不计费，成本记销售费用。",
        ),
    },
    "成员与支持": {
        "members": ("customers", "成员：以自己的名义行事的人；须两人经手的事要两个成员。"),
        "deeds": ("keeping.deeds", "操作记录：谁、何时、对什么、从什么变成什么。"),
        "tokens": ("identity", "API 令牌：成员交给程序的一部分权限。"),
        "sso": ("identity", "单点登录：单位的人用自己的身份提供方（OIDC）登录。"),
        "notices": ("notices.entrance", "通知：联系人、渠道、发送账号、投递记录、测试。"),
        "tickets": ("support.tickets", "工单：按级别 7×24 计时，可关联请求或账单行。"),
        "rota": ("support.rota", "值班：谁在何时值班，谁是哪个客户的顾问。"),
        "incidents": ("support.incidents", "事故与维护：公告、进展、公开的状态页。"),
    },
    "运维": {
        "nodes": ("watch.nodes", "节点：同一数据库的各个网关节点；不带命令即列出。"),
        "jobs": ("upkeep.jobs", "后台任务：关账、出账、验证、导入等要办一会儿的事。"),
        "journals": ("house", "流水：网关写在本机磁盘上的用量记录。"),
        "backup": (
            "upkeep.backup",
            "备份：跟随、查看、校验、恢复到某一时刻、演练。目录由 YUEJIE_BACKUP 指定。",
        ),
        "database": ("upkeep.database", "数据库：大小、分区、指纹、换 PostgreSQL 大版本。"),
        "retention": (
            "keeping.retention",
            "保留期限：各类记录保留多久、保全、到期删除、删除个人信息、整户导出。",
        ),
        "token": ("house", "显示运营令牌，REST 接口用它认人。"),
    },
}
"""Which module holds which noun and what it is for, in the order a newcomer needs them.

The noun itself says so too, as a test sees to: whoever asks for all should not wait for all of them
to be imported.
"""
NOUNS: Final = {noun: module for each in SECTIONS.values() for noun, (module, _) in each.items()}
_NAMED: Final = {"credits": "credits_"}
"""Nouns that are called otherwise in Python, which has a `credits` of its own."""


class Nouns(click.Group):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the nouns, section by section."""
        del ctx
        return list(NOUNS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the nouns under the headings of their sections, all in one column."""
        del ctx
        wide = max(map(len, NOUNS))
        room = formatter.width - wide - formatter.current_indent - 4
        for heading, nouns in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (noun.ljust(wide), click.Command(noun, help=about).get_short_help_str(room))
                        for noun, (_, about) in nouns.items()
                    ]
                )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the noun's module and return its command."""
        del ctx
        module = NOUNS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            import_module(f"yuejie.cli.{module}"), _NAMED.get(cmd_name, cmd_name)
        )
        return command


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yuejie")
@click.pass_context
def yuejie(ctx: click.Context) -> None:
    """月结：企业大模型 API 采购中心。一个入口，精确计量，月底出账。"""
    from yuejie.cli.frame import make_frame

    ctx.obj = make_frame()


_TWINS: Final = {"¥": "￥", "−": "-", "░": ".", "▒": ":", "▶": ">", "◀": "<"}
"""What a terminal of the mainland's encodings lacks, in its nearest that they have."""


def _nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stand in for characters that an output's encoding lacks: their twin, or a question mark.

    Half a surrogate is no character: it came from a word that was no text.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    if any("\ud800" <= each <= "\udfff" for each in lacking):
        raise error
    found = ""
    for each in lacking:
        twin = _TWINS.get(each) or normalize("NFKC", each)
        found += twin.encode(error.encoding, "replace").decode(error.encoding)
    return found, error.end


def _speak_plainly() -> None:
    """Let nothing fail, or come out as code, because an output is not UTF-8."""
    register_error("nearest", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="nearest")


def main() -> None:
    """Run the command line; a refusal is a sentence, never a traceback."""
    _speak_plainly()
    try:
        code = yuejie(prog_name="yuejie", standalone_mode=False)
    except DomainError as error:
        _end(error.sentence, 1)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE)
    except click.ClickException as error:
        _end(sentence_of(error), error.exit_code)
    except click.Abort:
        _end("已中断", 1)
    except BrokenPipeError:
        sys.exit(141)
    except (OSError, UnicodeEncodeError) as error:
        _refuse_machine(error)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _refuse_machine(error: OSError | UnicodeEncodeError) -> NoReturn:
    """Refuse a path that cannot be used, and words that a terminal of another encoding gave.

    Anything else is a fault of ours, and says so itself.
    """
    if isinstance(error, UnicodeEncodeError):
        if any(error.object[error.start : error.end] in word for word in sys.argv):
            _end("命令行中有不是 UTF-8 的文字，请把终端编码设为 UTF-8 后重新输入", USAGE)
    elif error.filename is not None:
        _end(refused_path(error), 1)
    raise error


def _end(sentence: str, code: int) -> NoReturn:
    from yuejie.cli.frame import note

    note(f"错误：{sentence}")
    sys.exit(code)
