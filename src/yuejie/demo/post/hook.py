"""A customer's endpoint that checks Standard Webhooks 1.0, as its reference libraries do."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final

from yuejie.demo.post.world import Answer, Got, World

_TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"


def hook(world: World, got: Got) -> Answer:
    """Take an event whose signature fits one of our keys; a repeat is known by its id."""
    if not world.hook_keys:
        return 401, {"error": 'no key yet: POST /_sim/hook {"key": "whsec_…"}'}
    name, stamp = got.headers.get("webhook-id", ""), got.headers.get("webhook-timestamp", "")
    if not name or not stamp.isdecimal():
        return 400, {"error": "missing headers"}
    if abs(int(stamp) - world.now().timestamp()) > _TOLERANCE.total_seconds():
        return 400, {"error": "timestamp too old or too new"}
    said = f"{name}.{stamp}.".encode() + got.body
    shown = [
        each.partition(",")[2]
        for each in got.headers.get("webhook-signature", "").split(" ")
        if each.startswith("v1,")
    ]
    keys = [base64.b64decode(key.removeprefix(_PREFIX)) for key in world.hook_keys]
    wanted = [base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode() for key in keys]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in shown):
        return 401, {"error": "no signature matches"}
    repeat = any(each.to == name for each in world.arrived)
    world.take("hook", "webhook", name, str(got.json.get("type", "")), got.body.decode())
    return 200, {"taken": name, "repeat": repeat}
