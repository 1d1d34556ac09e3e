"""`python -m yuejie.demo.sso --port 8421 --person wang@example.cn`: run the identity provider."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from yuejie.demo.sso.app import SsoServer
from yuejie.demo.sso.provider import CLIENT, SECRET
from yuejie.kernel.clock import SystemClock


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("yuejie.demo.sso", description="模拟身份提供方（OIDC）。")
    parser.add_argument("--port", type=int, required=True, help="监听 127.0.0.1 的端口")
    parser.add_argument("--person", action="append", default=[], help="能登录的邮箱，可重复")
    options = parser.parse_args(arguments)
    server = SsoServer(options.port, SystemClock())
    server.provider.people = {email: {} for email in options.person}
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stderr.write(
        f"issuer {server.url}，client_id {CLIENT}，client_secret {SECRET}\n"
        f"控制台需设 YUEJIE_SSO_HOSTS=127.0.0.1:{server.server_port}；"
        "捣乱：POST /_sim/fault，内容为 nonce、expired、audience、alg_none 等\n"
    )
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
