"""What the pages of notices call things. Pure."""

from typing import Final

from yuejie.notices.contact import ChannelKind
from yuejie.notices.notice import Kind
from yuejie.notices.wording import en, zh
from yuejie.web.pages.frame.words import EN

CHANNELS: Final = {
    ChannelKind.EMAIL: "邮件",
    ChannelKind.WECOM: "企业微信机器人",
    ChannelKind.DINGTALK: "钉钉机器人",
    ChannelKind.FEISHU: "飞书机器人",
    ChannelKind.ALIYUN_SMS: "短信（阿里云）",
    ChannelKind.TENCENT_SMS: "短信（腾讯云）",
    ChannelKind.WEBHOOK: "Webhook",
}
LANGUAGES: Final = {"zh-CN": "中文", "en": "English"}
DELIVERIES: Final = {
    "waiting": "待发",
    "sent": "已送达",
    "dead": "已放弃",
    "dropped": "已作废",
}


def kind_title(kind: Kind, language: str) -> str:
    """Name a kind as its own title does, without the facts that a title has."""
    wordings = en.WORDINGS if language == EN else zh.WORDINGS
    title = wordings[kind].title.replace("：", ":").split(":")[0]
    return title.split("{")[0].strip(" “\"'") or wordings[kind].title
