"""What meters and their units are called by those who read a bill or a contract."""

from typing import Final

from yuejie.usage.meters import UNIT_METERS

METERS: Final = {
    "input": "输入",
    "cache_read": "缓存命中输入",
    "cache_write_5m": "缓存写入（5 分钟）",
    "cache_write_30m": "缓存写入（30 分钟）",
    "cache_write_1h": "缓存写入（1 小时）",
    "cache_write_12h": "缓存写入（12 小时）",
    "cache_write_unspecified": "缓存写入",
    "output": "输出",
    "reasoning": "推理输出",
    "audio_in": "音频输入",
    "audio_out": "音频输出",
    "image_in": "图像输入",
    "image_out": "图像输出",
    "video_in": "视频输入",
    "video_out": "视频输出",
    "cache_read_audio": "缓存命中音频",
    "cache_read_image": "缓存命中图像",
    "cache_read_video": "缓存命中视频",
    "requests": "调用",
    "failed_requests": "失败调用",
    "images": "图片张数",
    "seconds": "时长",
    "characters": "字符",
    "web_searches": "联网搜索",
    "search_units": "搜索单元",
}
UNITS: Final = {
    "requests": "次",
    "failed_requests": "次",
    "images": "张",
    "seconds": "秒",
    "characters": "字符",
    "web_searches": "次",
    "search_units": "个",
}


def meter_name(meter: str) -> str:
    """Name a meter in Chinese; one we have no word for keeps its code."""
    return METERS.get(meter, meter)


def unit(meter: str) -> str:
    """Name what a meter counts."""
    return UNITS.get(meter, "token")


def per_name(meter: str) -> str:
    """Say what a printed rate is for."""
    return unit(meter) if meter in UNIT_METERS else "百万 token"
