"""Models, deployments and notices of deprecation on the wire."""

from datetime import date

from pydantic import Field

from yuejie.web.shapes.wire import Instant, Out


class ModelOut(Out):
    """模型目录中的一个模型。"""

    model_id: str = Field(description="模型名，调用时填写", examples=["gpt-4o"])
    mode: str = Field(description="类别", examples=["chat"])
    owner: str = Field(description="出品方", examples=["openai"])
    context_window: int | None = Field(description="上下文窗口 token 数")
    max_output: int | None = Field(description="最大输出 token 数")
    capabilities: list[str] = Field(description="能力")
    deprecation_date: date | None = Field(description="停用日期；空为未定")
    replacement: str | None = Field(description="建议的替代模型")
    backup_model: str | None = Field(description="约定的备用模型，应答时按其自身计费")
    state: str = Field(description="active 上架，disabled 下架")


class DeploymentOut(Out):
    """部署：一个模型在一个供应商账号上的供应点。"""

    deployment_id: str = Field(description="编号")
    model_id: str = Field(description="模型")
    account_id: str = Field(description="供应商账号")
    upstream_model: str = Field(description="上游名称")
    cost_model: str = Field(description="成本价目中的名称", examples=["openai/gpt-4o"])
    priority: int = Field(description="优先级，小的先用")
    weight: int = Field(description="同优先级内的权重")
    state: str = Field(description="active 启用，drained 摘除")
    created_at: Instant = Field(description="登记时间")


class Switched(Out):
    """开关的结果；所有网关一秒内生效。"""

    name: str = Field(description="模型或部署")
    state: str = Field(description="现在的状态")


class DeprecationOut(Out):
    """停用通知：哪个客户的哪些密钥在用，换成替代模型费用差多少。"""

    model: str = Field(description="将停用的模型")
    ends_on: date = Field(description="停用日期")
    days_left: int = Field(description="剩余天数")
    customer_id: str = Field(description="客户")
    keys: list[str] = Field(description="近 30 天在用的密钥")
    replacement: str | None = Field(description="建议的替代模型")
    sentence: str = Field(description="一句话通知")
