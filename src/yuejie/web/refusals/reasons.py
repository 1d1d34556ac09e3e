"""Why a field does not fit: in Chinese for everybody, in English for people at a page.

The value itself is never repeated: it may be a secret in the wrong place.
"""

from collections.abc import Mapping
from typing import Any, Final

REASONS: Final[dict[str, str]] = {
    "missing": "缺少",
    "extra_forbidden": "是不认识的字段",
    "string_type": "应为文字",
    "string_unicode": "含有半个字符，不是文字",
    "string_too_short": "至少要有 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不对，应符合 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "nested": "括号套得太深",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
    "enum": "应为 {expected} 之一",
    "literal_error": "应为 {expected} 之一",
    "uuid_parsing": "不是有效的编号",
    "uuid_type": "不是有效的编号",
    "timezone_aware": "应写明时区，例如 2026-10-01T08:00:00+08:00",
    "datetime_type": "应写成 2026-10-01T08:00:00+08:00",
    "datetime_parsing": "应写成 2026-10-01T08:00:00+08:00",
    "datetime_from_date_parsing": "应写成 2026-10-01T08:00:00+08:00",
    "date_type": "应写成 2026-10-31",
    "date_parsing": "应写成 2026-10-31",
    "date_from_datetime_parsing": "应写成 2026-10-31",
    "date_from_datetime_inexact": "应写成 2026-10-31",
}

ENGLISH: Final[dict[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is an unknown field",
    "string_type": "must be text",
    "string_unicode": "has half a character, which is no text",
    "string_too_short": "needs {min_length} characters at least",
    "string_too_long": "has {max_length} characters at most",
    "string_pattern_mismatch": "must look like {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "nested": "has brackets nested too deeply",
    "too_long": "has {max_length} items at most",
    "too_short": "needs {min_length} items at least",
    "greater_than_equal": "must not be below {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must not be above {le}",
    "less_than": "must be below {lt}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "uuid_parsing": "is no valid id",
    "date_type": "must be written as 2026-10-31",
    "date_parsing": "must be written as 2026-10-31",
    "date_from_datetime_parsing": "must be written as 2026-10-31",
    "date_from_datetime_inexact": "must be written as 2026-10-31",
    "datetime_parsing": "must be written as 2026-10-01T08:00:00+08:00",
    "datetime_from_date_parsing": "must be written as 2026-10-01T08:00:00+08:00",
}
"""What a form can get wrong; the rest does not fit, whatever it is."""


def reason_of(error: Mapping[str, Any]) -> str:
    """Say in a few words what is wrong with a field."""
    context = {name: str(value).replace("'", "") for name, value in error.get("ctx", {}).items()}
    said = REASONS.get(error["type"], "不合要求")
    try:
        return said.format_map(context).replace(" or ", "、")
    except KeyError:
        return said.partition("，")[0]


def english_of(error: Mapping[str, Any]) -> str:
    """Say it in English."""
    context = {name: str(value).replace("'", "") for name, value in error.get("ctx", {}).items()}
    try:
        return ENGLISH.get(error["type"], "does not fit").format_map(context)
    except KeyError:
        return "does not fit"
