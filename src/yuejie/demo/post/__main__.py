"""`python -m yuejie.demo.post --port 8430`: run the simulated receivers of notices."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from yuejie.demo.post.app import PostServer
from yuejie.demo.post.launch import Receivers
from yuejie.demo.post.mail import Mailbox, MailServer
from yuejie.demo.post.world import (
    DINGTALK_SECRET,
    FEISHU_SECRET,
    SMS_APP,
    SMS_ID,
    SMS_SECRET,
    SMS_SIGN,
    World,
)
from yuejie.kernel.clock import SystemClock

HOW: str = """\
收到的都在 {url}/ ；邮件服务器在端口 {mail}。先允许本机地址，再登记（文书进程要用同样的设置）：

export YUEJIE_NOTICE_HOSTS={host} SECRET={sms} DINGTALK={dingtalk_secret} FEISHU={feishu_secret}
yuejie notices senders set email host=127.0.0.1 port={mail} security=none from=bill@example.com
yuejie notices senders set aliyun_sms endpoint={url} access_key_id={id} sign_name={sign} \\
    template.test=SMS_1 --secret-env SECRET
yuejie notices senders set tencent_sms endpoint={url} secret_id={id} app_id={app} \\
    sign_name={sign} template.test=1 --secret-env SECRET
yuejie notices contacts add --name 试用        # 得到 ctc_…
yuejie notices channels add ctc_… --kind email --address you@example.com
yuejie notices channels add ctc_… --kind wecom --address "{wecom}"
yuejie notices channels add ctc_… --kind dingtalk --address "{dingtalk}" --key-env DINGTALK
yuejie notices channels add ctc_… --kind feishu --address "{feishu}" --key-env FEISHU
yuejie notices channels add ctc_… --kind aliyun_sms --address 13800000000
yuejie notices channels add ctc_… --kind webhook --address "{hook}"
curl -d '{{"key": "whsec_…"}}' {url}/_sim/hook   # webhook 的签名密钥
yuejie notices test chn_…
"""


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(
        "yuejie.demo.post",
        description="模拟企业微信、钉钉、飞书、阿里云与腾讯云短信、webhook、邮箱。",
    )
    parser.add_argument("--port", type=int, required=True, help="监听 127.0.0.1 的端口")
    parser.add_argument("--mail-port", type=int, default=0, help="邮件端口，默认为下一个")
    options = parser.parse_args(arguments)
    server = PostServer(options.port, World(SystemClock().now))
    box = Mailbox(taken=server.took)
    mail = MailServer(box, options.mail_port or server.server_port + 1)
    letters = threading.Thread(target=mail.serve_forever, kwargs={"poll_interval": 0.05})
    letters.start()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stderr.write(how(Receivers(server, box)))
    server.serve_forever(poll_interval=0.05)
    mail.shutdown()
    letters.join()
    mail.server_close()
    server.server_close()
    return 0


def how(there: Receivers) -> str:
    """Say what to type to have every channel lead here."""
    return HOW.format(
        url=there.server.url,
        host=there.host,
        mail=there.box.port,
        sms=SMS_SECRET,
        dingtalk_secret=DINGTALK_SECRET,
        feishu_secret=FEISHU_SECRET,
        id=SMS_ID,
        app=SMS_APP,
        sign=SMS_SIGN,
        wecom=there.wecom,
        dingtalk=there.dingtalk,
        feishu=there.feishu,
        hook=there.hook,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
