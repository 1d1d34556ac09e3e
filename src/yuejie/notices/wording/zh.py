"""The wording in Chinese."""

from typing import Final

from yuejie.notices.notice import Kind
from yuejie.notices.wording.piece import Wording

WORDINGS: Final[dict[Kind, Wording]] = {
    Kind.BILL_PROPOSED: Wording(
        "账单待确认：{month}",
        "{month} 账单已生成，金额 {amount}。请在 {review_until} 前核对并确认，有异议请逐行提出。",
    ),
    Kind.BILL_ISSUED: Wording(
        "账单已出账：{number}",
        "{month} 账单 {number} 已出账，应付 {amount}，请在 {due_on} 前付款。",
    ),
    Kind.BILL_REVIEW_REMINDER: Wording(
        "账单确认即将截止：{month}",
        "{month} 账单（{amount}）尚未确认，{review_until} 截止；请尽快核对。",
    ),
    Kind.SETTLEMENT_WAITS: Wording(
        "结算待处理：{customer} {month}",
        "{customer} 的 {month} 到了结算日，仍未能关账或提请确认：{why}。"
        "请按说明处理，此后每小时自动重试。",
    ),
    Kind.CORRECTION_REJECTED: Wording(
        "更正被驳回：{customer} {correction}",
        "{drafted_by} 为 {customer} 提出的更正 {correction}（{amount}）被驳回：{why}。"
        "请按原因更正后重新提出，或答复客户。",
    ),
    Kind.REQUEST_REJECTED: Wording(
        "{asked}{ended}：{request}",
        "{asked_by} 提出的{asked} {request} {ended}：{why}。请按原因处理，需要时重新提出。",
    ),
    Kind.DISPUTE_REOPENED: Wording(
        "异议重新待处理：{customer} {bill}",
        "{customer} 对账单 {bill}“{line}”的异议原已接受，所提调整未获批准：{why}。"
        "异议重新打开，请重新答复。",
    ),
    Kind.FAPIAO_ISSUED: Wording(
        "发票已开具：{fapiao_number}",
        "发票 {fapiao_number} 已开具，价税合计 {amount}。",
    ),
    Kind.FAPIAO_DELIVERY: Wording(
        "发票送达：{fapiao_number}",
        "随信附上发票 {fapiao_number}，价税合计 {amount}；请查验后入账。",
    ),
    Kind.PAYMENT_REMINDER: Wording(
        "付款提醒：{number}",
        "账单 {number} 尚有 {amount} 未付，请在 {due_on} 前付款；如已付款请忽略。",
    ),
    Kind.PAYMENT_RECEIVED: Wording(
        "款项已到账：{amount}",
        "您于 {received_on} 支付的 {amount} 已到账，感谢。",
    ),
    Kind.OVERDUE: Wording(
        "账单逾期：{number}",
        "账单 {number} 已于 {due_on} 到期，逾期 {days} 天，尚有 {amount} 未付；请尽快付款。",
    ),
    Kind.SUSPENSION_WARNING: Wording(
        "服务即将暂停",
        "尚有逾期款 {amount}；若 {suspend_on} 前仍未付清，服务将暂停。",
    ),
    Kind.SUSPENDED: Wording(
        "服务已暂停",
        "因逾期款 {amount} 未付清，服务已暂停；付清后自动恢复。",
    ),
    Kind.PREPAYMENT_EMPTY: Wording(
        "预付余额不足，请充值",
        "合同约定先付后用，现余额为 {available}，调用暂不受理；"
        "请按合同账户对公转账充值，到账后自动恢复。",
    ),
    Kind.RESTORED: Wording("服务已恢复", "服务已恢复，新请求照常受理，感谢。"),
    Kind.RED_FORM_WAITING: Wording(
        "红字确认单待处理：{fapiao_number}",
        "发票 {fapiao_number}（{amount}）的红字确认单等待确认，逾期自动作废；请尽快处理。",
    ),
    Kind.RED_FORM_TO_ANSWER: Wording(
        "购方发起红冲，待我方答复：{fapiao_number}",
        "购方对发票 {fapiao_number} 发起红字确认单（{amount}），{until} 前须确认或拒绝，"
        "逾期自动作废；请在开票台由两人答复。",
    ),
    Kind.RED_FORM_LAPSED: Wording(
        "红字确认单已过 72 小时：{fapiao_number}",
        "发票 {fapiao_number}（{amount}）的红字确认单于 {until} 到期；"
        "手工提交的请到电子税务局查看结果并登记，需要时重新申请红冲。",
    ),
    Kind.RED_FORM_UNREAD: Wording(
        "购方的红字确认单须到税局处理：{fapiao_number}",
        "购方对发票 {fapiao_number} 发起的红字确认单 {form_number} 不能在此处理：{why}。"
        "请在 72 小时内到电子税务局处理。",
    ),
    Kind.RED_FORM_CONTRARY: Wording(
        "红字确认单的结果与批准的答复不同：{fapiao_number}",
        "购方对发票 {fapiao_number} 发起的红字确认单 {form_number}（{amount}），我方答复："
        "{answer}（拟定 {answered_by}，批准 {approved_by}）；税局的结果：{became}"
        "（{noted_by} 得知，说明：{why}）。请拟定人和批准人到电子税务局核对。",
    ),
    Kind.DRAWER_LOGGED_OUT: Wording(
        "开票员已退出登录",
        "开票员 {drawer} 的登录已失效，开票暂停；请重新扫码认证。",
    ),
    Kind.FAPIAO_CREDIT_LOW: Wording(
        "发票授信额度不足",
        "剩余可开票额度 {remaining}，可能不够本月开票；请向税务机关申请调整。",
    ),
    Kind.CONTRACT_ENDING: Wording(
        "合同即将到期：{contract}",
        "合同 {contract} 将于 {ends_on} 到期（还有 {days} 天），到期后停止服务；请安排续签。",
    ),
    Kind.CONTRACT_RENEWING: Wording(
        "合同即将自动续约：{contract}",
        "合同 {contract} 将于 {ends_on} 到期并自动续约 {months} 个月；"
        "如不再续约，请最迟于 {say_until} 提出。",
    ),
    Kind.CONTRACT_ENDED: Wording(
        "合同已到期：{contract}",
        "合同 {contract} 已于 {ends_on} 到期，服务已停止；如需继续使用，请续签。",
    ),
    Kind.CONTRACT_RENEWED: Wording(
        "合同已续约：{contract}",
        "合同 {contract} 已按原条款续约，新的到期日为 {ends_on}。",
    ),
    Kind.CREDIT_USED: Wording(
        "授信额度已用 {percent}%",
        "授信额度 {limit} 已用 {used}（{percent}%）；用完后新请求将被拒绝。",
    ),
    Kind.BUDGET_REACHED: Wording(
        "额度“{budget}”已用 {percent}%",
        "额度“{budget}”{limit} 已用 {used}，达到 {percent}%。",
    ),
    Kind.BUDGET_USED_UP: Wording(
        "额度“{budget}”已用到 {percent}%",
        "额度“{budget}”{limit} 已用 {used}，达到 {percent}%；{effect}",
    ),
    Kind.BUDGET_FORECAST: Wording(
        "额度“{budget}”预计将达 {percent}%",
        "照目前的用量，额度“{budget}”{limit} 到期末预计用 {forecast}，达到 {percent}%。",
    ),
    Kind.BUDGET_EASED: Wording(
        "额度“{budget}”已恢复",
        "额度“{budget}”{limit} 现已用 {used}，低于 {percent}%；新请求照常受理。",
    ),
    Kind.PROTECTION_ACTED: Wording(
        "用量异常，已自动{effect}",
        "因异常发现 {finding}，已自动{effect}（防护 {protection}）；核实后可随时解除。",
    ),
    Kind.PROTECTION_RELEASED: Wording(
        "防护已解除",
        "因异常发现 {finding} 而设的{effect}（防护 {protection}）已解除：{why}。",
    ),
    Kind.DEPRECATION: Wording(
        "模型即将停用：{model}",
        "模型 {model} 将于 {ends_on} 停用（还有 {days} 天），您的密钥近 30 天在用；请安排迁移。",
    ),
    Kind.PRICE_RISE: Wording(
        "价格调整：{model}",
        "模型 {model} 的价格自 {starts_on} 起上调；此前的用量仍按原价计费。",
    ),
    Kind.PROVIDER_ACCOUNT_LOW: Wording(
        "供应商账号余额不足：{account}",
        "供应商账号 {account} 余额 {balance}；请尽快充值，以免上游停止服务。",
    ),
    Kind.PROVIDER_CREDENTIAL_ENDING: Wording(
        "供应商凭证即将到期：{account}",
        "供应商账号 {account} 的凭证于 {ends_on} 到期，还有 {days} 天；请提前更换。",
    ),
    Kind.PROVIDER_CEILING_NEAR: Wording(
        "供应商账号接近上限：{account}",
        "供应商账号 {account} 本月已用 {used}，达到每月上限 {limit} 的 {percent} %；"
        "请联系供应商提高上限。",
    ),
    Kind.CAPACITY_NEAR: Wording(
        "容量告警：{account} {model} {gauge}",
        "供应商账号 {account}、模型 {model} 的每分钟高峰（{gauge}）近 7 天为 {peak}，"
        "是配额 {ceiling} 的 {percent} %；已到或预计到达：{when}。请提高配额或分流。",
    ),
    Kind.FAPIAO_DUE: Wording(
        "待开发票：{number}",
        "账单 {number} 约定 {fapiao_by} 前开具发票，尚有 {amount} 未开；"
        "请提醒客户申请，或尽快开具。",
    ),
    Kind.SUSPENSE_UNCLAIMED: Wording(
        "款项待认领：{amount}",
        "{received_on} 到账的 {amount} 尚未认领；请核对付款方后认款。",
    ),
    Kind.SIGNING_ENDED: Wording(
        "电子签{outcome}：{draft}",
        "合同草案 {draft} 的电子签{outcome}。说明：{why}。",
    ),
    Kind.ANOMALY: Wording(
        "用量异常：{scope}",
        "{scope} 的{measure}自 {since} 起异常：{observed}，通常约 {expected}；"
        "主要来自密钥 {key}、模型 {model}，至今约多出 {extra}。请核对是否符合预期。",
    ),
    Kind.REPORT_READY: Wording(
        "报表：{report}（{span}）",
        "报表“{report}”已生成，时段 {span}，共 {rows} 行；以邮件发送时附 PDF 与 XLSX。",
    ),
    Kind.REPORT_FAILED: Wording(
        "报表未能生成：{report}",
        "报表“{report}”这次没有生成：{why}。请按所说修改，下次到点再试。",
    ),
    Kind.TICKET_OPENED: Wording(
        "新工单：{subject}",
        "{customer} 提交 {grade} 工单“{subject}”（{ticket}），请在 {answer_by} 前首次响应。",
    ),
    Kind.TICKET_URGENT: Wording(
        "紧急工单：{subject}",
        "{customer} 提交 {grade} 工单“{subject}”（{ticket}），请在 {answer_by} 前首次响应。",
    ),
    Kind.TICKET_ANSWERED: Wording(
        "工单{state}：{subject}",
        "您的工单“{subject}”（{ticket}）{state}，请登录费用中心查看。",
    ),
    Kind.TICKET_GRADED: Wording(
        "工单级别改为 {grade}：{subject}",
        "您的工单“{subject}”（{ticket}）的级别由 {before} 改为 {grade}：{why}。"
        "已开始计时的响应时限不会因此延后。",
    ),
    Kind.TICKET_DUE_SOON: Wording(
        "工单即将超时：{subject}",
        "{customer} 的 {grade} 工单“{subject}”（{ticket}）仍待响应，{answer_by} 到时限。",
    ),
    Kind.TICKET_MISSED: Wording(
        "工单响应超时：{subject}",
        "{customer} 的 {grade} 工单“{subject}”（{ticket}）未在 {answer_by} 前响应，请立即处理；"
        "合同约定的按月赔付。",
    ),
    Kind.TRIAL_GRANTED: Wording(
        "试用已开始：{customer}",
        "{customer} 的试用 {trial} 已批准并开始，可用 {limit} token，至 {ends_on} 止，用量不计费。"
        "申请人凭领取码领取密钥。",
    ),
    Kind.TRIAL_HALF_USED: Wording(
        "试用额度已用一半：{customer}",
        "{customer} 的试用 {trial} 已用 {used} / {limit} token，至 {ends_on} 止。",
    ),
    Kind.TRIAL_USED_UP: Wording(
        "试用额度已用完：{customer}",
        "{customer} 的试用 {trial}（至 {ends_on} 止）已用 {used} / {limit} token，"
        "余下的放不下新的调用，新的调用会被拒绝；签订正式合同后原密钥继续可用。",
    ),
    Kind.TRIAL_ENDING: Wording(
        "试用三日内到期：{customer}",
        "{customer} 的试用 {trial} 至 {ends_on} 止，已用 {used} / {limit} token；"
        "到期自动终止，不自动续期。签订正式合同后原密钥继续可用。",
    ),
    Kind.TRIAL_ENDED: Wording(
        "试用已期满：{customer}",
        "{customer} 的试用 {trial} 已期满，共用 {used} / {limit} token，按目录价合 {amount}，"
        "应付 0.00；试用报告与账单样张（标明“试用”）以邮件发送时附上，也可在试用页下载。",
    ),
    Kind.TRIAL_CONVERTED: Wording(
        "试用已转正式：{customer}",
        "{customer} 的试用 {trial} 已由合同 {contract} 接续，自 {starts_on} 起计费；"
        "原密钥不变，此前的用量不计费。",
    ),
    Kind.INCIDENT: Wording("服务事故{state}：{what}", "{what}（{state}）：{text}"),
    Kind.MAINTENANCE: Wording(
        "维护{state}：{what}",
        "{what}（{state}），{since} 至 {until}：{text}",
    ),
    Kind.UNDELIVERED: Wording(
        "通知未送达：{message}",
        "消息 {message} 未能经 {channel} 送达：{why}。请核对联系人后人工补发。",
    ),
    Kind.TEST: Wording("测试通知", "这是一条测试通知；收到即说明该渠道可用。"),
}

LABELS: Final[dict[str, str]] = {
    "customer": "客户",
    "correction": "更正",
    "drafted_by": "提出人",
    "request": "申请编号",
    "asked": "申请",
    "ended": "结果",
    "asked_by": "提出人",
    "line": "明细",
    "number": "账单号",
    "month": "账期",
    "amount": "金额",
    "net": "不含税金额",
    "tax": "税额",
    "review_until": "确认截止",
    "issued_on": "出账日期",
    "due_on": "付款期限",
    "days": "天数",
    "bank": "收款银行",
    "bank_account": "收款账号",
    "reference": "附言",
    "po_number": "采购订单号",
    "fapiao_number": "发票号码",
    "fapiao_by": "开票期限",
    "form_number": "确认单编号",
    "answer": "批准的答复",
    "answered_by": "拟定人",
    "approved_by": "批准人",
    "became": "税局的结果",
    "noted_by": "得知者",
    "title": "抬头",
    "received_on": "到账日期",
    "payer": "付款方",
    "open": "未付金额",
    "late_fee": "违约金",
    "suspend_on": "暂停日期",
    "drawer": "开票员",
    "remaining": "剩余额度",
    "contract": "合同",
    "budget": "额度名称",
    "protection": "防护编号",
    "finding": "异常发现",
    "scope": "范围",
    "period": "周期",
    "ends_at": "本周期结束",
    "forecast": "预计用量",
    "effect": "影响",
    "ends_on": "到期日",
    "trial": "试用编号",
    "used": "已用",
    "limit": "额度",
    "percent": "已用百分比",
    "model": "模型",
    "keys": "在用密钥数",
    "replacement": "建议替代",
    "difference": "每 30 天费用差",
    "starts_on": "生效日期",
    "old_rate": "原价",
    "new_rate": "新价",
    "available": "可用余额",
    "rises": "单价变化",
    "say_until": "最迟提出日",
    "months": "续约月数",
    "account": "供应商账号",
    "balance": "余额",
    "report": "报表",
    "span": "时段",
    "rows": "行数",
    "run": "生成记录",
    "message": "消息",
    "channel": "渠道",
    "kind": "通知种类",
    "why": "原因",
    "bill": "账单",
    "draft": "合同草案",
    "outcome": "结果",
    "measure": "度量",
    "since": "开始时间",
    "observed": "现在",
    "expected": "通常",
    "key": "主要密钥",
    "extra": "至今多出",
    "gauge": "度量",
    "peak": "每分钟高峰",
    "ceiling": "配额",
    "when": "已到或预计到达",
    "ticket": "工单",
    "grade": "级别",
    "before": "原级别",
    "subject": "标题",
    "answer_by": "响应时限",
    "state": "状态",
    "what": "公告",
    "text": "说明",
    "until": "结束时间",
    "models": "模型",
}

VALUES: Final[dict[str, dict[str, str]]] = {
    "asked": {
        "refund": "退款申请",
        "short_pay": "手续费减免申请",
        "write_off": "坏账核销申请",
        "claim": "到账认领",
        "fapiao": "发票申请",
        "red_fapiao": "红冲申请",
        "provider_payment": "对供应商付款申请",
        "quote": "报价",
        "package": "套餐",
        "voucher": "代金券",
        "temporary_limit": "临时额度",
        "contract_end": "终止申请",
        "price_change": "调价",
        "contract_draft": "合同草案",
    },
    "ended": {"rejected": "被驳回", "unpaid": "银行未付出", "void": "已作废"},
}
"""What a fact with few values is called, by the fact."""

DIGEST: Final = "{first} 等 {count} 条通知"
LOOK: Final = "查看详情"
FOOT: Final = "消息编号 {message_id}（重复收到同一编号，请只处理一次）"
COLON: Final = "："
