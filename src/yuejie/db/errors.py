"""What may go wrong with the database, each as one sentence.

    DomainError
    ├── Unavailable
    │   ├── DatabaseUnavailable      no connection, or lost before the commit: nothing was done
    │   │   └── EmbeddedUnavailable  the embedded server cannot be started here
    │   └── DatabaseBusy             a lock, a statement or the pool took longer than allowed
    ├── Conflict
    │   ├── SerializationConflict    another transaction was first; the same deed may be tried again
    │   ├── AlreadyRunning           the data folder is in use by another server
    │   └── MigrationRefused         the migrations and this database do not fit together
    ├── NotFound
    │   └── RowNotFound              a query that promises one row found none
    └── CommitUncertain              the connection broke during COMMIT: done or not, nobody knows

`CommitUncertain` is no `Unavailable`, because that would promise that nothing was done.
"""

from typing import ClassVar

import psycopg

from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database does not answer; nothing was done."""

    code: ClassVar[str] = "database_unavailable"


class EmbeddedUnavailable(DatabaseUnavailable):
    """The embedded server cannot run here as things are."""

    code: ClassVar[str] = "embedded_unavailable"


class DatabaseBusy(Unavailable):
    """The database took longer than allowed; nothing was done."""

    code: ClassVar[str] = "database_busy"


class SerializationConflict(Conflict):
    """Another transaction got there first; nothing was done and the deed may be repeated."""

    code: ClassVar[str] = "serialization_conflict"


class AlreadyRunning(Conflict):
    """A server already runs on this data folder."""

    code: ClassVar[str] = "already_running"


class MigrationRefused(Conflict):
    """The migrations and this database do not fit together; the failing one left nothing."""

    code: ClassVar[str] = "migration_refused"


class RowNotFound(NotFound):
    """A query that promises a row found none."""

    code: ClassVar[str] = "row_not_found"


class OutOfRange(Invalid):
    """A number, a moment or a text that no column holds: a few digits or letters too many."""

    code: ClassVar[str] = "out_of_range"


class CommitUncertain(DomainError):
    """The connection broke during COMMIT; whether the deed was done is not known."""

    code: ClassVar[str] = "commit_uncertain"

    def __init__(self) -> None:
        super().__init__(
            "提交时与数据库的连接中断，无法确定是否已生效；请先查询结果，再决定是否重试"
        )


def translate(error: psycopg.Error) -> Exception:
    """Turn the database's bad news into ours; what is a bug of our SQL stays as it is."""
    beyond = _beyond(error)
    if beyond is not None:
        return beyond
    match error:
        case psycopg.errors.SerializationFailure() | psycopg.errors.DeadlockDetected():
            return SerializationConflict("数据刚被另一项操作改动，本次未生效；请重试")
        case psycopg.errors.LockNotAvailable():
            return DatabaseBusy("等待另一项操作释放锁超时，本次未生效；请稍后重试")
        case psycopg.errors.QueryCanceled():
            return DatabaseBusy("数据库语句执行超时，本次未生效；请缩小范围或稍后重试")
        case psycopg.errors.IdleInTransactionSessionTimeout():
            return DatabaseUnavailable("数据库因久无动静结束了这次操作，本次未生效；请重试")
        case psycopg.errors.DiskFull():
            return DatabaseUnavailable("数据库磁盘已满，本次未生效；请清理磁盘后重试")
        case psycopg.OperationalError() | psycopg.errors.AdminShutdown():
            return DatabaseUnavailable(f"数据库连接中断，本次未生效；请稍后重试（{brief(error)}）")
    return error


def _beyond(error: psycopg.Error) -> OutOfRange | None:
    """Return what to say of a value that no column holds; None where it is something else."""
    match error:
        case psycopg.errors.NumericValueOutOfRange() | psycopg.errors.DatetimeFieldOverflow():
            return OutOfRange("数字或时间超出了可记录的范围，本次未生效；请改小后重试")
        case psycopg.errors.ProgramLimitExceeded():
            return OutOfRange("有一处文字太长，无法记录，本次未生效；请缩短后重试")
        case psycopg.DataError() if "NUL" in str(error):
            return OutOfRange("文字含有看不见的空字符，无法记录，本次未生效；请删去后重试")
    return None


def brief(error: BaseException) -> str:
    """Return the first line of a message: the one that says what happened."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "无说明")
