"""Jobs on the wire."""

from typing import Literal

from pydantic import Field

from yuejie.jobs.job import Job, JobKind, JobState, Piece, PieceState
from yuejie.jobs.kinds.make_report import run_id_of
from yuejie.kernel.limits import BODY_BYTES
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Name, Out


class JobIn(In):
    """在后台办一个月的一件事。"""

    kind: Literal["propose", "issue", "prove"] = Field(
        description="propose 提交客户确认，issue 全部出账，prove 验证；关账用 POST /bills/close"
    )
    month: Month
    customer: Text | None = Field(None, description="只验证这个客户；其余不可写")


class UsageFileIn(In):
    """一份用量文件。"""

    name: Name = Field(description="文件名，决定格式", examples=["usage-2026-10.csv.gz"])
    content: str = Field(description="文件内容，base64；可用 gzip 压缩", max_length=BODY_BYTES)
    mapping: str = Field("", description="映射（TOML）", max_length=100_000)


class JobOut(Out):
    """后台任务。"""

    job_id: str = Field(description="编号")
    kind: JobKind = Field(description="做什么")
    about: str = Field(description="关于什么：月份、文件")
    state: JobState = Field(
        description="waiting 等待，running 进行中，done 完成，failed 未能完成，cancelled 已取消"
    )
    done: int = Field(description="已办多少：件数，或字节")
    total: int | None = Field(description="共多少；尚不知道为 null")
    failed: int = Field(description="几件未办成；原因见 pieces")
    said: str = Field(description="办完时的一句话")
    result: str | None = Field(description="结果的地址；没有单独的结果或还没办完为 null")
    why: str = Field(description="未能完成的原因")
    made_by: str = Field(description="谁要办的")
    made_at: Instant = Field(description="何时要办")
    began_at: Instant | None = Field(description="何时开始")
    ended_at: Instant | None = Field(description="何时结束")
    cancelled_by: str | None = Field(description="谁要取消；仍在进行时，当前一件办完即停")

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """Write a job."""
        names = cls.model_fields.keys() - {"said", "result"}
        said = job.outcome.get("said", "")
        return cls(said=said, result=_result(job), **{n: getattr(job, n) for n in names})


def _result(job: Job) -> str | None:
    if job.state is not JobState.DONE:
        return None
    match job.kind:
        case JobKind.WHAT_IF:
            return f"/api/v1/jobs/{job.job_id}/what-if"
        case JobKind.CLOUD_TRIAL:
            return f"/api/v1/jobs/{job.job_id}/cloud-trial"
        case JobKind.MAKE_REPORT:
            return f"/api/v1/report-runs/{run_id_of(job.job_id)}"
        case _:
            return None


class PieceOut(Out):
    """任务的一件：一个客户、一张账单、一步，或一行未导入的用量。"""

    position: int = Field(description="第几件")
    name: str = Field(description="名称")
    refers_to: str = Field(description="编号")
    state: PieceState = Field(description="waiting 等待，done 已办，failed 未办成")
    said: str = Field(description="结果，或未办成的原因")
    sums: list[Amount] = Field(description="金额")

    @classmethod
    def of(cls, piece: Piece) -> "PieceOut":
        """Write a piece."""
        return cls(
            position=piece.position,
            name=piece.name,
            refers_to=piece.refers_to,
            state=piece.state,
            said=piece.said,
            sums=[Amount.of(each) for each in piece.sums],
        )
