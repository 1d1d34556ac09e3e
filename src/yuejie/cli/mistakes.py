"""A slip at the keyboard, as one sentence: what is wrong, and where the words are explained."""

import errno
import re
from difflib import get_close_matches
from typing import Final

import click

USAGE: Final = 2
"""Exit code of a command that was not understood."""
_KNOWN: Final = (
    (re.compile(r"'(.*)' is not one of (.*)\.\Z"), "“{0}”不可用，可选 {1}"),
    (re.compile(r"\w+ '(.*)' does not exist\.\Z"), "“{0}”不存在"),
    (re.compile(r"\w+ '(.*)' is a file\.\Z"), "“{0}”是文件，不是文件夹"),
    (re.compile(r"\w+ '(.*)' is a directory\.\Z"), "“{0}”是文件夹，不是文件"),
    (re.compile(r"\w+ '(.*)' is not readable\.\Z"), "“{0}”没有读取权限"),
    (re.compile(r"'(.*)' is not a valid integer\.\Z"), "“{0}”不是整数"),
    (re.compile(r"'(.*)' is not a valid .*\.\Z"), "“{0}”格式不对"),
    (
        re.compile(r"'(.*)' does not match the formats? .*\Z", re.DOTALL),
        "“{0}”不是有效的日期，请写成 2026-12-01 这样",
    ),
    (re.compile(r"(.*) is not in the range (.*)\.\Z"), "{0} 不在范围 {1} 内"),
    (re.compile(r"Option '(.*)' does not take a value\.\Z"), "选项 {0} 不带值"),
    (re.compile(r"Option '(.*)' requires (?:an|\d+) arguments?\.\Z"), "选项 {0} 后面缺少值"),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)\Z"), "多写了 {0}"),
    (re.compile(r"Missing command\.\Z"), "没有写明要做什么"),
)
"""What click says in English; whatever else it says is shown as it is."""
_WHY: Final = {
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "所在磁盘只读",
    errno.ENOENT: "路径不存在",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.EISDIR: "是目录，不是文件",
    errno.EEXIST: "已存在，且不是目录",
    errno.ENOSPC: "磁盘已满",
}


def sentence_of(error: click.ClickException) -> str:
    """Say what was typed wrong; a usage error also says where its words are explained."""
    said = _said(error)
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return said if ctx is None else f"{said}；写法见 {ctx.command_path} --help"


def refused_path(error: OSError) -> str:
    """Say why a file or folder could not be read or written."""
    why = _WHY.get(error.errno or 0, error.strerror)
    return f"{error.filename}：{why}，请检查后重试"


def _said(error: click.ClickException) -> str:
    match error:
        case click.NoSuchOption():
            return f"没有选项 {error.option_name}{_perhaps(error.possibilities)}"
        case click.MissingParameter(param=click.Option() as option):
            both = " 或 ".join(
                "、".join(each) for each in (option.opts, option.secondary_opts) if each
            )
            return f"缺少选项 {both}{_offered(option)}"
        case click.MissingParameter(param=click.Parameter() as argument):
            return f"缺少参数 {_word(argument)}{_offered(argument)}"
        case click.BadParameter(param=click.Parameter() as parameter):
            return f"{_word(parameter)}：{_translated(error.message)}"
        case click.exceptions.NoSuchCommand():
            return f"没有命令 {error.command_name}{_perhaps(_alike(error))}"
    return _translated(error.format_message())


def _word(parameter: click.Parameter) -> str:
    """Name a parameter as its help does."""
    return (
        parameter.opts[-1] if isinstance(parameter, click.Option) else str(parameter.name).upper()
    )


def _offered(parameter: click.Parameter) -> str:
    """Say which words there are to choose from, where there are only some."""
    if not isinstance(parameter.type, click.Choice):
        return ""
    return f"，可写 {'、'.join(str(each) for each in parameter.type.choices)}"


def _alike(error: click.exceptions.NoSuchCommand) -> list[str]:
    """Find commands spelt much like it, those not yet imported included."""
    ctx = error.ctx
    if ctx is None or not isinstance(ctx.command, click.Group):
        return []
    return get_close_matches(error.command_name, ctx.command.list_commands(ctx))


def _translated(text: str) -> str:
    for pattern, sentence in _KNOWN:
        if (found := pattern.match(text)) is not None:
            return sentence.format(*found.groups())
    return text.rstrip(".。")


def _perhaps(names: list[str] | None) -> str:
    return f"，是否想写 {'、'.join(names)}" if names else ""
