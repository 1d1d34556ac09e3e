"""The menu: the pages there are, and whom each serves. Pure."""

from dataclasses import dataclass
from typing import Final

from yuejie.web.auth import Caller, may
from yuejie.web.pages.frame.access import PAGES


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu: what it is called in Chinese, where it leads, what it looks like.

    Lines of one `group` stand together under its name. Pages below `path` stand under a line, and
    those below `also`.
    """

    label: str
    path: str
    icon: str
    group: str = ""
    customers: bool = True
    operators: bool = True
    also: str = ""

    def holds(self, path: str) -> int:
        """Return how much of a page's path leads here; 0 where it does not stand under this."""
        roots = [root for root in (self.path, self.also) if root]
        return max((len(root) for root in roots if f"{path}/".startswith(f"{root}/")), default=0)

    def serves(self, caller: Caller) -> bool:
        """Whether a caller finds something there."""
        meant = self.operators if caller.is_operator else self.customers
        return meant and may(caller, PAGES["GET", self.path])


MENU: Final = (
    Entry("总览", "/", "home"),
    Entry("开始使用", "/first-run", "start", customers=False),
    Entry("月结工作台", "/closing", "calendar", "月结与收款", customers=False),
    Entry("银行", "/bank", "bank", "月结与收款", customers=False),
    Entry("应收", "/receivables", "coins", "月结与收款", customers=False),
    Entry("供应商付款", "/payables", "wallet", "月结与收款", customers=False),
    Entry("开票台", "/fapiao-desk", "stamp", "月结与收款", customers=False),
    Entry("待审批", "/approvals", "approve", "月结与收款", customers=False),
    Entry("实时账单", "/live", "pulse", "费用", operators=False),
    Entry("账单", "/bills", "file", "费用"),
    Entry("发票", "/fapiao", "fapiao", "费用"),
    Entry("付款", "/payments", "wallet", "费用"),
    Entry("费用分摊", "/shares", "coins", "费用"),
    Entry("单价", "/rates", "tag", "费用", operators=False),
    Entry("合同", "/contracts", "pen", "费用"),
    Entry("用量", "/usage", "chart", "用量"),
    Entry("请求", "/requests", "list", "用量"),
    Entry("被拒绝的调用", "/refusals", "shield", "用量"),
    Entry("趋势", "/trend", "trend", "用量", operators=False),
    Entry("预测", "/forecast", "ahead", "用量", operators=False),
    Entry("优化建议", "/advice", "bulb", "用量"),
    Entry("异常", "/anomalies", "alert", "用量"),
    Entry("额度", "/budgets", "gauge", "用量", operators=False),
    Entry("报表", "/reports", "file", "用量"),
    Entry("假如", "/what-if", "flask", "用量"),
    Entry("待处理用量", "/worklist", "alert", "用量", customers=False),
    Entry("密钥与项目", "/keys", "key", "接入", operators=False),
    Entry("快速开始", "/start", "start", "接入", operators=False),
    Entry("客户", "/customers", "users", "客户", customers=False),
    Entry("合同草案", "/drafts", "pen", "客户", customers=False),
    Entry("售前", "/presales", "talk", "客户", customers=False),
    Entry("试用", "/trials", "flask", "客户", customers=False),
    Entry("工单", "/tickets", "help", "服务"),
    Entry("值班", "/rota", "shift", "服务", customers=False),
    Entry("事故与维护", "/incidents", "cone", "服务", customers=False),
    Entry("服务质量", "/sla", "shield", "服务"),
    Entry("服务状态", "/status", "light", "服务"),
    Entry("价目", "/prices", "tag", "平台", customers=False, also="/price-changes"),
    Entry("毛利", "/margins", "coins", "平台", customers=False),
    Entry("供应商与模型", "/providers", "server", "平台", customers=False),
    Entry("供应健康", "/health", "pulse", "平台", customers=False),
    Entry("网关节点", "/nodes", "server", "平台", customers=False),
    Entry("云账单", "/clouds", "file", "平台", customers=False),
    Entry("供应商对账", "/reconciliations", "approve", "平台", customers=False),
    Entry("保留期限", "/retention", "lock", "平台", customers=False),
    Entry("操作记录", "/deeds", "list", "平台", customers=False),
    Entry("单点登录", "/sso", "lock", "平台", customers=False),
    Entry("后台任务", "/jobs", "list", "平台", customers=False),
    Entry("系统", "/system", "pulse", "平台", customers=False),
    Entry("成员", "/members", "badge", "平台", customers=False),
    Entry("联系人与渠道", "/notices", "talk", "通知"),
    Entry("投递记录", "/notices/log", "list", "通知"),
    Entry("财务指南", "/guide", "list", "我的"),
    Entry("练习环境", "/practice", "flask", "我的", customers=False),
    Entry("成员", "/team", "badge", "我的", operators=False),
    Entry("操作记录", "/deeds", "list", "我的", operators=False),
    Entry("API 令牌", "/tokens", "key", "我的"),
    Entry("我的登录", "/account", "lock", "我的"),
)
