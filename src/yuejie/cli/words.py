"""What tables call states and kinds: the Chinese word of GLOSSARY.md, beside what is stored."""

from collections.abc import Mapping
from typing import Final

OFFERED: Final = {"active": "启用", "suspended": "停用", "disabled": "下架", "drained": "摘除"}
"""A customer, a model, an account, a deployment."""
MODES: Final = {
    "chat": "对话",
    "completion": "补全",
    "responses": "响应",
    "embedding": "向量",
    "image_generation": "图像生成",
    "audio_transcription": "语音转写",
    "audio_speech": "语音合成",
    "realtime": "实时",
    "rerank": "重排",
}
"""What a model is for."""
EVENTS: Final = {
    "measured": "已计量",
    "partial": "部分计量",
    "estimated": "估算",
    "unmeasured": "未计量",
    "unpriced": "未定价",
}
JOURNALS: Final = {"live": "在写", "drained": "已读尽", "parked": "已搁置"}
NODES: Final = {
    "serving": "服务中",
    "draining": "退出中",
    "left": "已退出",
    "lost": "已丢失",
    "silent": "失联",
}
BOOKS: Final = {"cost": "成本", "sale": "销售"}
DRAFT_KINDS: Final = {"new": "新签", "amend": "变更", "renew": "续约"}
FX_POLICIES: Final = {"none": "不折算", "card": "按价目卡", "bill": "按账期汇率"}
TAX_MODES: Final = {"inclusive": "含税", "exclusive": "不含税"}
PAPERS: Final = {"signed": "双方签署件", "attachment": "附件", "generated": "生成文本"}
ROLES: Final = {
    "admin": "管理员",
    "finance": "财务",
    "sales": "销售",
    "support": "客服",
    "developer": "开发者",
    "auditor": "审计",
}
MESSAGES: Final = {
    "waiting": "待发",
    "sent": "已发",
    "dead": "已放弃",
    "dropped": "已作废（渠道已删）",
}
TITLES: Final = {"active": "启用", "retired": "停用"}
ERRANDS: Final = {"waiting": "待办", "sent": "已发出待查询", "done": "办完", "parked": "搁置"}


def called(words: Mapping[str, str], stored: str) -> str:
    """Return the word for what is stored; what nobody has named stays as it is."""
    return words.get(str(stored), str(stored))
