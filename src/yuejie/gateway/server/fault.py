"""What the server itself says to a client that does not speak HTTP/1.1 as it should."""

from enum import Enum
from typing import Final


class Fault(Enum):
    """Status, its phrase, and a sentence for whoever debugs the client."""

    MALFORMED = (400, "Bad Request", "请求不是合法的 HTTP/1.1 报文，请检查请求行、请求头与正文长度")
    HOST = (400, "Bad Request", "请求缺少 Host，或有多个 Host，请只带一个")
    METHOD = (405, "Method Not Allowed", "不支持该请求方法，请使用 POST 或 GET")
    SLOW = (408, "Request Timeout", "请求头迟迟没有发完，连接已关闭，请重试")
    TARGET = (414, "URI Too Long", "请求地址过长，请缩短查询参数")
    EXPECTATION = (417, "Expectation Failed", "Expect 只支持 100-continue，请去掉该请求头")
    PIPELINE = (429, "Too Many Requests", "同一连接上未应答的请求过多，请等应答后再发")
    HEAD = (431, "Request Header Fields Too Large", "请求头过多或过长，请减少请求头")
    FULL = (503, "Service Unavailable", "连接数已满，请稍后重试")
    VERSION = (505, "HTTP Version Not Supported", "只支持 HTTP/1.1 与 HTTP/1.0")


_RETRY: Final = "retry-after: 1\r\n"


def answer_to(fault: Fault, date: str) -> bytes:
    """Write the answer to a fault; the connection ends with it."""
    status, phrase, sentence = fault.value
    body = f'{{"error":{{"message":"{sentence}","type":"invalid_request_error"}}}}'.encode()
    retry = _RETRY if fault is Fault.FULL else ""
    head = (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\n{retry}"
        f"content-length: {len(body)}\r\n{date}connection: close\r\n\r\n"
    )
    return head.encode() + body
