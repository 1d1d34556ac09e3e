"""Have the simulated signing platforms for the length of a block."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from yuejie.demo.esign.app import APP_ID, SECRET, SigningServer
from yuejie.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class SigningSimulator:
    """Both platforms at an address, with the credentials that they gave out."""

    url: str
    app_id: str = APP_ID
    secret: str = SECRET

    def environ(self, *, callback_url: str = "") -> dict[str, str]:
        """Return the settings of a house that has its accounts here."""
        return {
            "YUEJIE_ESIGN_APP_ID": self.app_id,
            "YUEJIE_ESIGN_SECRET": self.secret,
            "YUEJIE_ESIGN_URL": self.url,
            "YUEJIE_ESIGN_CALLBACK_URL": callback_url,
            "YUEJIE_FADADA_APP_ID": self.app_id,
            "YUEJIE_FADADA_SECRET": self.secret,
            "YUEJIE_FADADA_CORP_ID": "simulated-corp",
            "YUEJIE_FADADA_URL": f"{self.url}/api/v5",
        }

    def tell(self, deed: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Let the signer sign or decline, or fate strike; see `app.command`."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.url}/_sim/{deed}", data=json.dumps(said).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def signing_here(
    clock: Clock, *, callbacks: int = 1, fadada_callback_url: str = ""
) -> Iterator[SigningSimulator]:
    """Have both platforms on a thread of this process, with the clock of whoever asks."""
    server = SigningServer(0, clock, callbacks=callbacks, fadada_callback_url=fadada_callback_url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield SigningSimulator(server.url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
