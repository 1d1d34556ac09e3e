"""Customers, projects, keys and members on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from yuejie.customers.enrol import Particulars, ProjectDraft
from yuejie.customers.key import ApiKey
from yuejie.customers.keys import IssuedKey, KeyDraft
from yuejie.customers.members.enrol import Enrolled
from yuejie.customers.members.member import Member
from yuejie.usage.event import split_tags
from yuejie.web.shapes.wire import In, Instant, Name, Out

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class CustomerOut(Out):
    """客户：购买方，账单和发票的抬头。"""

    customer_id: str = Field(description="编号", examples=["cus_019aa0c1f2c07b2f8e1d"])
    slug: str = Field(description="简称，本平台内唯一", examples=["acme"])
    legal_name: str = Field(description="单位全称", examples=["上海示例科技有限公司"])
    uscc: str | None = Field(description="统一社会信用代码", examples=["91350100M000100Y43"])
    tax_address: str = Field(description="税务登记地址")
    tax_phone: str = Field(description="税务登记电话")
    bank_name: str = Field(description="开户行")
    bank_account: str = Field(description="银行账号")
    zone: str = Field(description="时区：账期按它划分", examples=["Asia/Shanghai"])
    currency: str = Field(description="结算币种", examples=["CNY"])
    tag_names: list[str] = Field(description="已登记的标签名")
    state: str = Field(description="active 启用，suspended 停用")
    created_at: Instant = Field(description="登记时间")


class CustomerIn(In):
    """登记或更改客户；没有写的可选项恢复为默认值。"""

    legal_name: Text = Field(description="单位全称，按营业执照", examples=["上海示例科技有限公司"])
    uscc: Text | None = Field(
        None, description="统一社会信用代码，校验末位", examples=["91350100M000100Y43"]
    )
    tax_address: Text = Field("", description="税务登记地址")
    tax_phone: Text = Field("", description="税务登记电话")
    bank_name: Text = Field("", description="开户行")
    bank_account: Text = Field("", description="银行账号")
    zone: Text = Field("Asia/Shanghai", description="时区；登记后不能更改")
    currency: Literal["CNY", "USD"] = Field("CNY", description="结算币种；登记后不能更改")
    tag_names: list[Text] = Field(
        default=[], max_length=64, description="登记的标签名", examples=[["team"]]
    )
    state: Literal["active", "suspended"] = Field("active", description="启用或停用")

    def particulars(self, slug: str) -> Particulars:
        """Return what the verb takes."""
        return Particulars(slug=slug, **self.model_dump())


class ProjectOut(Out):
    """项目：客户的成本中心，组成一棵树。"""

    project_id: str = Field(description="编号")
    customer_id: str = Field(description="所属客户")
    parent_id: str | None = Field(description="上级项目的编号")
    name: str = Field(description="项目名，客户内唯一", examples=["search"])
    department: str = Field(description="部门", examples=["研发部"])
    environment: str = Field(description="环境", examples=["production"])
    allowed_providers: list[str] | None = Field(description="允许的供应商；空为全部")
    allowed_regions: list[str] | None = Field(description="允许的地域；空为全部")
    created_at: Instant = Field(description="建立时间")


class ProjectIn(In):
    """新增项目，或更改同名项目。"""

    name: Text = Field(description="项目名", examples=["search"])
    parent: Text | None = Field(None, description="上级项目的名称")
    department: Text = Field("", description="部门")
    environment: Text = Field("", description="环境")
    allowed_providers: list[Text] | None = Field(
        None, max_length=100, description="允许的供应商；不写为全部"
    )
    allowed_regions: list[Text] | None = Field(
        None, max_length=100, description="允许的地域；不写为全部"
    )

    def draft(self) -> ProjectDraft:
        """Return what the verb takes."""
        return ProjectDraft(**self.model_dump())


class KeyOut(Out):
    """密钥的登记信息；密钥本身只在签发时出现一次，不保存。"""

    key_id: str = Field(description="编号")
    customer_id: str = Field(description="所属客户")
    project_id: str = Field(description="所属项目")
    name: str = Field(description="名称")
    hint: str = Field(description="密钥末四位，供辨认", examples=["x7Qa"])
    tags: dict[str, str] = Field(description="标签", examples=[{"team": "search"}])
    task_type: str = Field(description="任务类型")
    priority: int = Field(description="优先级")
    models: list[str] | None = Field(description="允许的模型；空为全部")
    created_at: Instant = Field(description="签发时间")
    expires_at: Instant | None = Field(description="到期时间")
    revoked_at: Instant | None = Field(description="吊销时间")
    replaced_by: str | None = Field(description="接替它的密钥编号")

    @classmethod
    def of(cls, key: ApiKey) -> "KeyOut":
        """Write what is public of a key; its digest is not."""
        facts = {name: getattr(key, name) for name in cls.model_fields}
        return cls(**facts | {"tags": split_tags(key.tags)})


class KeyIn(In):
    """签发密钥。"""

    project: Text = Field(description="项目名或编号", examples=["search"])
    name: Text = Field(min_length=1, description="名称", examples=["后端服务"])
    tags: dict[str, Text] = Field(default={}, description="标签，名称须已登记")
    task_type: Text = Field("", description="任务类型")
    priority: int = Field(0, ge=-1000, le=1000, description="优先级")
    models: list[Text] | None = Field(
        None, max_length=1000, description="允许的模型；不写为全部", examples=[["gpt-4o"]]
    )
    expires_at: Instant | None = Field(None, description="到期时间；不写为长期有效")

    def draft(self) -> KeyDraft:
        """Return what the verb takes."""
        return KeyDraft(**self.model_dump())


class KeyIssued(Out):
    """新签发的密钥。"""

    key: KeyOut = Field(description="登记信息")
    secret: str = Field(description="密钥，只显示这一次，请立即妥善保存", examples=["sk-yj-…"])

    @classmethod
    def of(cls, issued: IssuedKey) -> "KeyIssued":
        """Write a fresh key with its secret, this once."""
        return cls(key=KeyOut.of(issued.key), secret=issued.secret)


class Rotation(In):
    """轮换密钥。"""

    overlap_seconds: int = Field(
        86_400, ge=0, le=90 * 86_400, description="新旧密钥同时有效的秒数；0 为立即停用旧密钥"
    )


class MemberIn(In):
    """登记一个成员：运营方的人，或客户的人。"""

    name: Name = Field(description="成员名，唯一", examples=["wang.fang"])
    role: Literal["admin", "finance", "sales", "support", "developer", "auditor"] = Field(
        description="角色"
    )
    customer: Name | None = Field(None, description="客户简称；不写为运营方")


class MemberOut(Out):
    """成员。"""

    member_id: str = Field(description="编号")
    customer_id: str | None = Field(description="客户；空为运营方")
    name: str = Field(description="成员名")
    role: str = Field(description="角色")
    created_at: Instant = Field(description="登记时间")
    revoked_at: Instant | None = Field(description="停用时间")

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        """Write a member, without its token."""
        return cls.model_validate(member)


class MemberEnrolled(MemberOut):
    """新成员与其令牌；令牌只在这次答复中出现。"""

    token: str = Field(description="成员令牌")

    @classmethod
    def of_enrolled(cls, enrolled: Enrolled) -> "MemberEnrolled":
        """Write a fresh member with its token."""
        shown = MemberOut.of(enrolled.member).model_dump()
        return cls(**shown, token=enrolled.token)
