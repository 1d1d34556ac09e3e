"""The network under single sign-on: the guarded wire of notices, to public addresses only."""

from yuejie.customers.sso.port import Ask, Asked, SsoUnreachable, Told
from yuejie.notices.channels.guard import Guarded
from yuejie.notices.channels.parcel import Request
from yuejie.notices.channels.wire import REPLY_BYTES, Failed, post


def asking(allowed: frozenset[str]) -> Ask:
    """Return the way to providers; an inner host passes only if the operator named it."""

    def ask(asked: Asked) -> Told:
        request = Request(asked.url, asked.headers, asked.body or b"")
        method = "GET" if asked.body is None else "POST"
        try:
            reply = post(request, allowed, method=method)
        except Guarded as error:
            raise SsoUnreachable(f"身份提供方的地址不可用：{error.sentence}") from error
        except Failed as error:
            raise SsoUnreachable("身份提供方没有应答，请稍后重试，或联系贵方 IT") from error
        if len(reply.body) >= REPLY_BYTES:
            raise SsoUnreachable("身份提供方的答复过大，登录未完成，请联系贵方 IT")
        return Told(reply.status, reply.body)

    return ask
