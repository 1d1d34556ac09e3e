"""The words that differ by industry; each says what the product does, nothing it does not."""

from typing import Final

FOCUS: Final[dict[str, tuple[str, str]]] = {
    "focus.general": ("治理与成本", "Governance and cost"),
    "focus.general.1": (
        "一个入口使用多家模型；部署失败自动切换，备用模型经约定后启用，按实际回答的模型计费。",
        (
            "One endpoint for many providers; failing deployments are switched, an"
            " agreed backup model"
            " answers when all fail, and the model that answered is billed."
        ),
    ),
    "focus.general.2": (
        "预算按客户、项目、密钥、模型、标签设置；到达比例提醒，硬限额绝不超出。",
        (
            "Budgets by customer, project, key, model and tag; warnings at set shares,"
            " and hard caps"
            " that are never overshot."
        ),
    ),
    "focus.general.3": (
        "用量异常由模型与规则发现，说明何时起、谁造成、花了多少；可自动限速或暂停。",
        (
            "Unusual usage is found and told with when, who and how much; keys can be"
            " slowed or paused"
            " by policy."
        ),
    ),
    "focus.fintech": ("合规与审计", "Compliance and audit"),
    "focus.fintech.1": (
        "默认不存储、不记录提示词与回答；密钥只以 HMAC 保存，供应商凭据加密保存。",
        (
            "Prompts and completions are neither stored nor logged by default; keys are"
            " kept as HMACs"
            " only, provider credentials encrypted."
        ),
    ),
    "focus.fintech.2": (
        "项目可限定供应商与地区；本方案所要求的数据所在地：{regions}。",
        "Projects can be held to providers and regions; residency asked for here: {regions}.",
    ),
    "focus.fintech.3": (
        "账单出具即封印（SHA-256 链），永不更改；更正以后续行或冲减单体现，附离线核验程序。",
        (
            "An issued bill is sealed (a SHA-256 chain) and never changed; corrections"
            " are later lines"
            " or credit notes, and a verifier works offline."
        ),
    ),
    "focus.fintech.4": (
        "须两人经手的事（额度、减免、冲减、付款）由两名成员办理，每一步留有操作记录。",
        (
            "What needs two people (limits, waivers, credit notes, payments) takes two"
            " members, and"
            " every step is on record."
        ),
    ),
    "focus.ecommerce": ("大促与峰值", "Promotions and peaks"),
    "focus.ecommerce.1": (
        "促销日的用量已计入各月预计；峰值由多个部署分担，按权重与优先级切换。",
        (
            "Promotion days are counted in the months; peaks are shared by several"
            " deployments, by"
            " weight and priority."
        ),
    ),
    "focus.ecommerce.2": (
        "预算可按日设置并提前提醒；硬限额在峰值时同样不超出，先预占后放行。",
        (
            "Budgets can hold for a day; hard caps hold in peaks as well, since the worst case is"
            " reserved before a call."
        ),
    ),
    "focus.ecommerce.3": (
        "商品文案、翻译等可等待的任务，可用批量档或较便宜的模型，见“降本建议”。",
        (
            "Product texts, translations and other work that can wait may use the batch tier or a"
            ' cheaper model; see "Advice".'
        ),
    ),
    "focus.promotions.heads": (
        "促销|首日|末日|为平日的倍数",
        "Promotion|First day|Last day|Times a usual day",
    ),
}
