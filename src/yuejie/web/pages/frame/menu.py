"""The menu: the pages there are, and whom each serves. Pure."""

from dataclasses import dataclass
from typing import Final

from yuejie.web.auth import Caller, may
from yuejie.web.pages.frame.access import PAGES


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu: what it is called in Chinese, where it leads, what it looks like."""

    label: str
    path: str
    icon: str
    customers: bool = True
    operators: bool = True

    def serves(self, caller: Caller) -> bool:
        """Whether a caller finds something there."""
        meant = self.operators if caller.is_operator else self.customers
        return meant and may(caller, PAGES["GET", self.path])


MENU: Final = (
    Entry("总览", "/", "home"),
    Entry("实时账单", "/live", "pulse", operators=False),
    Entry("账单", "/bills", "file"),
    Entry("发票", "/fapiao", "fapiao"),
    Entry("付款", "/payments", "wallet"),
    Entry("合同", "/contracts", "pen"),
    Entry("用量", "/usage", "chart"),
    Entry("趋势", "/trend", "trend", operators=False),
    Entry("预测", "/forecast", "ahead", operators=False),
    Entry("优化建议", "/advice", "bulb"),
    Entry("异常", "/anomalies", "alert"),
    Entry("额度", "/budgets", "gauge", operators=False),
    Entry("月结工作台", "/closing", "calendar", customers=False),
    Entry("银行", "/bank", "bank", customers=False),
    Entry("应收", "/receivables", "coins", customers=False),
    Entry("开票台", "/fapiao-desk", "stamp", customers=False),
    Entry("待审批", "/approvals", "approve", customers=False),
    Entry("密钥与项目", "/keys", "key", operators=False),
    Entry("快速开始", "/start", "start", operators=False),
    Entry("客户", "/customers", "users", customers=False),
    Entry("成员", "/members", "badge", customers=False),
    Entry("我的登录", "/account", "lock"),
)
