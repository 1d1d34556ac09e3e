"""The port at which a process is read by Prometheus."""

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.registry import CollectorRegistry

from yuejie.kernel.errors import Invalid


def serve_figures(host: str, port: int, registry: CollectorRegistry = REGISTRY) -> None:
    """Answer on a port of this process's own, from a thread; 0: not at all.

    Raises Invalid for a port that is taken.
    """
    if not port:
        return
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise Invalid(
            f"指标端口 {host}:{port} 无法监听（{error.strerror}），请改 YUEJIE_METRICS_PORT 后重启"
        ) from None
