"""`python -m yuejie.demo.esign --port 8420`: run the simulated signing platforms."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from yuejie.demo.esign.app import SigningServer
from yuejie.demo.esign.launch import SigningSimulator
from yuejie.kernel.clock import SystemClock


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("yuejie.demo.esign", description="模拟 e签宝 与 法大大。")
    parser.add_argument("--port", type=int, required=True, help="监听 127.0.0.1 的端口")
    parser.add_argument("--callbacks", type=int, default=1, help="每个回调发几次；0 为全部丢失")
    parser.add_argument("--fadada-callback-url", default="", help="法大大控制台里登记的回调地址")
    options = parser.parse_args(arguments)
    server = SigningServer(
        options.port,
        SystemClock(),
        callbacks=options.callbacks,
        fadada_callback_url=options.fadada_callback_url,
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    settings = SigningSimulator(server.url).environ()
    sys.stderr.writelines(f"export {name}={value}\n" for name, value in settings.items() if value)
    sys.stderr.write(f'# 签署：curl -d \'{{"task": "task-1"}}\' {server.url}/_sim/sign\n')
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
