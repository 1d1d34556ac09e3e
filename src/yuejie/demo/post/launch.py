"""Have the simulated receivers for the length of a block."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from yuejie.demo.post.app import PostServer
from yuejie.demo.post.mail import Mailbox, mail_server
from yuejie.demo.post.world import DINGTALK_TOKEN, FEISHU_TOKEN, WECOM_KEY, World
from yuejie.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Receivers:
    """Every receiver at its address."""

    server: PostServer
    box: Mailbox

    @property
    def world(self) -> World:
        """Return what they remember."""
        return self.server.world

    @property
    def host(self) -> str:
        """Return the host that a house must allow to reach them."""
        return self.server.host

    @property
    def wecom(self) -> str:
        """Return the address of the WeCom robot."""
        return f"{self.server.url}/cgi-bin/webhook/send?key={WECOM_KEY}"

    @property
    def dingtalk(self) -> str:
        """Return the address of the DingTalk robot."""
        return f"{self.server.url}/robot/send?access_token={DINGTALK_TOKEN}"

    @property
    def feishu(self) -> str:
        """Return the address of the Feishu robot."""
        return f"{self.server.url}/open-apis/bot/v2/hook/{FEISHU_TOKEN}"

    @property
    def hook(self) -> str:
        """Return the address of the webhook."""
        return f"{self.server.url}/hook/yuejie"


@contextmanager
def post_here(clock: Clock) -> Iterator[Receivers]:
    """Have all receivers on threads of this process, with the clock of whoever asks."""
    server = PostServer(0, World(clock.now))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    with ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        box = stack.enter_context(mail_server(Mailbox(taken=server.took)))
        yield Receivers(server, box)
