"""nginx, passing bytes through with nothing read, counted or written down: the limit."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.figures import Skipped
from bench.rivals.rival import Rival, process
from yuejie.demo.simulators.launch import free_port

CONFIG: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream provider {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@contextmanager
def running(upstream: int, folder: Path) -> Iterator[Rival]:
    """Have nginx before an upstream for the length of a block."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Skipped("本机没有 nginx，未与之比较；安装：apt-get install nginx-light")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, upstream=upstream, port=port))
    command = [program, "-c", str(config), "-p", str(folder), "-e", str(folder / "nginx-early.log")]
    log = folder / "nginx.log"
    # Its worker is not root's: it must pass through to its own temporary folders.
    with process(command, os.environ, log, f"http://127.0.0.1:{port}/healthz") as pid:
        yield Rival("nginx", port, "sk-none", pid)
