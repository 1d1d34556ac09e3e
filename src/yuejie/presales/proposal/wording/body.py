"""The words of every proposal."""

from typing import Final

BODY: Final[dict[str, tuple[str, str]]] = {
    "title": ("大模型 API 采购方案书", "LLM API Procurement Proposal"),
    "pages": ("第 {page} 页 / 共 {pages} 页", "Page {page} of {pages}"),
    "foot": (
        "本方案书不构成合同；价格至 {until} 有效，以双方签署的合同为准",
        "This proposal is no contract; prices hold until {until}, the signed contract decides",
    ),
    "cover.for": ("致", "Prepared for"),
    "cover.by": ("出具方", "Prepared by"),
    "cover.number": ("方案书编号", "Proposal no."),
    "cover.version": ("版本", "Version"),
    "cover.version.text": (
        "第 {version} 版，依据报价 {quote}",
        "{version}, based on quote {quote}",
    ),
    "cover.dated": ("日期", "Date"),
    "cover.until": ("有效期至", "Valid until"),
    "cover.industry": ("行业模板", "Industry template"),
    "industry.general": ("通用", "General"),
    "industry.fintech": ("金融科技", "Financial technology"),
    "industry.ecommerce": ("电子商务", "E-commerce"),
    "contents": ("目录", "Contents"),
    "summary": ("摘要", "Summary"),
    "summary.model": ("建议主用模型", "Recommended model"),
    "summary.backup": ("备用：{model}", "backup: {model}"),
    "summary.nobackup": ("无合适的备用模型", "no suitable backup model"),
    "summary.first": ("首月预计费用", "First month, expected"),
    "summary.range": ("{low} 至 {high}", "{low} to {high}"),
    "summary.total": ("{months} 个月合计", "Total of {months} months"),
    "summary.tax": ("含税，按预计用量", "tax included, expected usage"),
    "summary.net": ("每月净收益（按历史用量）", "Net benefit a month, past usage"),
    "summary.ratio": ("为管理费的 {ratio} 倍", "{ratio} times the management fee"),
    "summary.nofee": ("不收管理费", "no management fee"),
    "summary.notes": (
        (
            "正文中带上标编号的数字，在附录 A 说明算法，在附录 B 列出它最终依据的输入：需求表、"
            "价目行、汇率、合同条款与假设。任何人都可据此重新计算。"
        ),
        (
            "Figures with a superscript number are explained in appendix A; appendix B"
            " lists the inputs"
            " on which they rest in the end: the requirement form, price rows, exchange"
            " rates, contract"
            " terms and assumptions. Anybody can compute them again."
        ),
    ),
    "need": ("客户与需求", "Customer and need"),
    "need.company": ("公司", "Company"),
    "need.uscc": ("统一社会信用代码", "Registration number (USCC)"),
    "need.contact": ("联系人", "Contact"),
    "need.task": ("任务类型", "Task"),
    "need.quality": ("质量要求", "Quality"),
    "need.qps": ("忙时每秒请求", "Requests per second, busiest hour"),
    "need.items": ("每天件数", "Items per day"),
    "need.calls": ("每件调用次数", "Calls per item"),
    "need.input": ("每次输入 token", "Input tokens per call"),
    "need.output": ("每次输出 token", "Output tokens per call"),
    "need.offday": ("非工作日用量", "Traffic on days off"),
    "need.offday.text": ("为工作日的 {share}", "{share} of a working day"),
    "need.growth": ("每月增长", "Growth per month"),
    "need.budget": ("每月预算", "Budget per month"),
    "need.regions": ("数据所在地", "Data residency"),
    "need.anywhere": ("无限制", "no restriction"),
    "need.models": ("指定模型", "Models asked for"),
    "need.span": ("计划期", "Planning period"),
    "need.span.text": ("自 {first} 起 {months} 个月", "{months} months from {first}"),
    "need.payment": ("付款方式", "Payment method"),
    "need.fapiao": ("发票与纳税人", "Fapiao and taxpayer"),
    "need.remark": ("补充说明", "Remarks"),
    "need.range": (
        "{low} / {expected} / {high}（低 / 预计 / 高）",
        "{low} / {expected} / {high} (low / expected / high)",
    ),
    "task.support": ("客服问答", "Customer support"),
    "task.writing": ("内容写作", "Writing"),
    "task.extraction": ("分类与抽取", "Classification and extraction"),
    "task.translation": ("翻译", "Translation"),
    "task.code": ("代码", "Code"),
    "task.reasoning": ("复杂推理", "Reasoning"),
    "task.vision": ("图像理解", "Vision"),
    "task.embedding": ("向量", "Embedding"),
    "quality.basic": ("基础", "Basic"),
    "quality.standard": ("标准", "Standard"),
    "quality.advanced": ("高级", "Advanced"),
    "pay.bank_transfer": ("对公转账", "Bank transfer"),
    "pay.card": ("银行卡", "Card"),
    "pay.other": ("其他", "Other"),
    "taxpayer.general": ("一般纳税人", "general VAT taxpayer"),
    "taxpayer.small_scale": ("小规模纳税人", "small-scale VAT taxpayer"),
    "volume": ("预计用量", "Expected volume"),
    "volume.note": (
        "用量由需求表推算：日内分布、工作日历、增长与促销日已计入。",
        (
            "Volumes follow from the requirement form: daily shape, working days, growth"
            " and promotions"
            " are counted."
        ),
    ),
    "volume.uncertain": (
        "部分月份的法定节假日尚未公布，按周一至周五计。",
        "Some months' public holidays are not announced yet; Monday to Friday are counted.",
    ),
    "volume.heads": (
        "月份|调用次数|输入 token|输出 token|调用（低）|调用（高）",
        "Month|Calls|Input tokens|Output tokens|Calls (low)|Calls (high)",
    ),
    "volume.chart": ("每月 token（预计）", "Tokens per month (expected)"),
    "volume.chart.unit": ("百万 token", "million tokens"),
    "volume.chart.input": ("输入", "input"),
    "volume.chart.output": ("输出", "output"),
    "plan": ("建议方案", "Recommended plan"),
    "plan.reasons": ("建议与理由", "Recommendation and reasons"),
    "plan.choices": ("候选模型", "Models considered"),
    "plan.choices.heads": ("模型|结论|备用|理由", "Model|Verdict|Backup|Why"),
    "kind.recommended": ("建议", "recommended"),
    "kind.wanted": ("客户指定", "asked for"),
    "kind.alternative": ("备选", "alternative"),
    "kind.excluded": ("不适用", "not suitable"),
    "choice.serves": ("满足任务、质量与数据所在地要求", "meets task, quality and residency"),
    "plan.steps": ("接入步骤", "How it is connected"),
    "step.1": (
        "将 SDK 的 base_url 指向统一接口，换用签发的密钥；OpenAI、Anthropic、Gemini 三种写法均可。",
        (
            "Point the SDK's base_url at the one endpoint and use the issued key; the"
            " OpenAI, Anthropic"
            " and Gemini dialects are all spoken."
        ),
    ),
    "step.2": (
        "按项目与部门建立成本中心，给密钥加标签，设预算；硬限额先预占后放行，绝不超出。",
        (
            "Create cost centres by project and department, tag keys, set budgets; a"
            " hard cap reserves"
            " before it admits and is never overshot."
        ),
    ),
    "step.3": (
        "每月出账：每个 token 只计费一次，账单逐行可重算，附独立核验程序。",
        (
            "A bill each month: every token is billed exactly once, every line can be"
            " computed again,"
            " with a verifier of its own."
        ),
    ),
    "price": ("价格", "Prices"),
    "price.note": (
        "单价取自价目 {book} 第 {revision} 版（{currency}），上标指向价目行。",
        (
            "Rates are those of price book {book}, revision {revision} ({currency}); the"
            " superscript"
            " points at the price row."
        ),
    ),
    "price.fx": (
        "外币按汇率 {rate} 折算（{on}，{source}），实际以出账月份公布的汇率为准。",
        "Converted at {rate} ({on}, {source}); bills use the rate published for their month.",
    ),
    "price.heads": ("模型|计量项|目录价|方案价|单位", "Model|Meter|List|This plan|Per"),
    "price.mtok": ("百万 token", "million tokens"),
    "price.piece": ("个", "piece"),
    "price.tier": ("（{tier} 档）", " ({tier} tier)"),
    "price.above": ("（上下文超过 {tokens}）", " (context above {tokens})"),
    "cost": ("费用", "Cost"),
    "cost.options": ("各方案费用", "Cost of each option"),
    "cost.heads": (
        "模型|方案|首月低|首月预计|首月高|{months} 个月合计|押金|预算内",
        "Model|Plan|First month low|Expected|High|{months} months|Deposit|Within budget",
    ),
    "cost.yes": ("是", "yes"),
    "cost.no": ("否", "no"),
    "cost.unknown": ("—", "—"),
    "cost.chart": ("首月预计费用（含税）", "First month, expected (tax included)"),
    "cost.months": ("{model} · {plan}：逐月费用", "{model} · {plan}: month by month"),
    "cost.months.heads": (
        "月份|用量|折扣|补足|管理费|不含税|税额|价税合计",
        "Month|Usage|Discount|True-up|Fee|Net|Tax|Gross",
    ),
    "cost.sum": ("合计", "Total"),
    "cost.months.chart": ("逐月费用（含税，预计）", "Cost per month (tax included, expected)"),
    "advice": ("降本建议", "Advice"),
    "advice.note": (
        "每条建议的节省是两张首月账单之差，单独成立；同时采用时，合计少于各项之和。",
        (
            "Each saving is one first month's bill less another and stands alone;"
            " together they save"
            " less than their sum."
        ),
    ),
    "advice.heads": (
        "建议|首月可省|算法或缺少的数据",
        "Advice|Saving, first month|How, or what is missing",
    ),
    "beside": ("比较与投资回报", "Comparison and return"),
    "beside.note": (
        (
            "以导入的历史用量（{months}）在各方重新计价；"
            "净额 = 含税费用 − 可抵扣税 + 资金占用 + 手续费 + 作废余额。"
        ),
        (
            "Past usage as imported ({months}), priced again on each side; net = gross −"
            " deductible VAT"
            " + idle money + card fees + lost balance."
        ),
    ),
    "beside.heads": (
        "方案|用量|管理费|可抵扣税|资金占用|手续费等|作废余额|净额",
        "Side|Usage|Fee|Deductible|Idle money|Card fees|Lost|Net",
    ),
    "beside.terms.heads": (
        "方案|押金|账期|承诺可用率",
        "Side|Deposit|Payment|Promised availability",
    ),
    "beside.days": ("{days} 天", "{days} days"),
    "beside.prepaid": ("现状（预付）", "Today (prepaid)"),
    "beside.advance": ("预付 {days} 天", "{days} days ahead"),
    "beside.floor": (
        "“{name}”对 {what} 没有价格，其合计只是下限。",
        '"{name}" has no price for {what}; its sums are a floor.',
    ),
    "beside.chart": ("所比月份净额", "Net over the months compared"),
    "roi": ("投资回报（月均）", "Return (mean month)"),
    "roi.whole": (
        "投资回报（计入全部所列项目，月均）",
        "Return with everything that was told (mean month)",
    ),
    "roi.heads": ("项目|金额", "Item|Amount"),
    "roi.before": ("现在的用量费用", "Usage today"),
    "roi.after": ("改用后的用量费用", "Usage here"),
    "roi.saving": ("用量节省", "Saving on usage"),
    "roi.avoided": ("避免：{what}", "Avoided: {what}"),
    "roi.fee": ("管理费", "Management fee"),
    "roi.net": ("净收益", "Net benefit"),
    "roi.ratio": ("净收益 ÷ 管理费", "Net benefit ÷ fee"),
    "assumptions": ("假设", "Assumptions, in the words of the quote"),
    "nocompare": (
        "没有导入历史用量，未作比较。导入最近三个月的用量后可补充投资回报。",
        (
            "No past usage was imported, so nothing is compared. With the last three"
            " months' usage a"
            " return can be added."
        ),
    ),
    "sla": ("服务承诺", "Service level"),
    "terms": ("合同主要条款", "Contract terms"),
    "terms.plan": ("方案“{plan}”", 'Plan "{plan}"'),
    "certificates": ("资质证书", "Certificates"),
    "certificates.note": (
        "以下证书已登记编号与有效期，在本方案书有效期内均有效。",
        "Registered with number and expiry; each holds throughout the validity of this proposal.",
    ),
    "certificates.heads": (
        "证书|编号|发证机构|持证单位|有效期至",
        "Certificate|Number|Issuer|Holder|Valid until",
    ),
    "history": ("版本记录", "Version history"),
    "history.heads": (
        "版本|日期|出具人|依据报价|有效期至|PDF 的 SHA-256",
        "Version|Date|By|Quote|Valid until|SHA-256 of the PDF",
    ),
    "history.this": (
        "本版；其 SHA-256 登记在系统中",
        "this version; its SHA-256 is kept in the register",
    ),
    "trace": ("附录 A　数字的算法", "Appendix A  How figures follow"),
    "trace.heads": ("号|数字|值|算法|依据", "No.|Figure|Value|How|Rests on"),
    "trace.worked": ("{words}：{sum}", "{words}: {sum}"),
    "price.per.mtok": ("{currency}/百万 token", "{currency} / 1M"),
    "price.per.one": ("{currency}/个", "{currency} each"),
    "source.price": (
        "价目 {book} 第 {revision} 版：{model} {meter}，自 {since} 起（价目行 {number}）",
        "Price book {book}, revision {revision}: {model} {meter}, from {since} (row {number})",
    ),
    "trace.given": ("直接取自输入", "given"),
    "inputs": ("附录 B　输入", "Appendix B  Inputs"),
    "inputs.heads": ("号|输入|值|出处", "No.|Input|Value|Where it stands"),
    "inputs.seal": (
        "报价 {quote} 全文的 SHA-256：{digest}",
        "SHA-256 of the whole of quote {quote}: {digest}",
    ),
    "op.same": ("即同一数字", "the same figure"),
    "op.nothing": ("没有可加的项", "nothing to add"),
    "op.sum": ("{count} 项之和", "sum of {count} figures"),
    "op.minus": ("第一项减去其余各项", "the first less the others"),
    "op.excess": ("第一项减去其余各项，不低于零", "the first less the others, not below zero"),
    "op.ratio": (
        "各项之积，取整一次",
        "product, rounded once",
    ),
    "op.divided": (
        "第一项 ÷ 第二项，取整一次",
        "the first ÷ the second, rounded once",
    ),
    "op.power": (
        "增长的连乘",
        "compounded",
    ),
    "source.form": ("需求表", "Requirement form:"),
    "source.rate": ("价目行", "Price row"),
    "source.fx": ("汇率行", "Exchange rate row"),
    "source.terms": ("合同条款", "Contract term:"),
    "source.calendar": ("日历", "Calendar"),
    "source.file": ("历史用量文件 SHA-256", "Usage file SHA-256"),
    "source.assumed": ("假设：", "Assumption:"),
    "source.left_out": ("未计入：", "Left out:"),
    "source.rule": ("规则", "Rule"),
    "source.customer": ("客户告知：", "Told by the customer:"),
    "source.document": ("文件：", "Document:"),
    "source.book": ("价目", "Price book"),
    "source.model": ("目录中的模型", "Model in the catalogue:"),
    "source.certificate": ("登记的证书", "Registered certificate"),
    "source.proposal": ("方案书登记", "Register of proposals:"),
    "source.offer": ("竞品报价：", "Competing offer:"),
}
