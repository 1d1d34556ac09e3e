"""Load on raw sockets: many calls in every dialect, a part of which hang up in the middle."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from random import Random
from urllib.parse import urlsplit


@dataclass
class Load:
    """Threads that call until told to stop. A failed call is the chaos's doing, not the load's."""

    gateway: str
    keys: dict[str, str]
    gone_share: float = 0.2
    threads: int = 6
    sent: int = 0
    answered: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        for number in range(self.threads):
            thread = threading.Thread(target=self._call_on, args=(Random(number),))
            self._running.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()

    def _call_on(self, rng: Random) -> None:
        while not self._stop.is_set():
            answered = self._call(rng)
            with self._lock:
                self.sent += 1
                self.answered += answered
            if not answered:
                time.sleep(0.02)

    def _call(self, rng: Random) -> bool:
        path, headers, body = self._request(rng)
        place = urlsplit(self.gateway)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=15)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            if rng.random() < self.gone_share:
                answer.read(rng.randrange(1, 200))
                return True
            answer.read()
        except (OSError, HTTPException):
            return False
        else:
            return answer.status == 200
        finally:
            connection.close()

    def _request(self, rng: Random) -> tuple[str, dict[str, str], bytes]:
        sizes = (
            f"[[sim in={rng.randrange(1, 5000)} out={rng.randrange(1, 800)} events=20 pace_ms=2]]"
        )
        stream = rng.random() < 0.5
        messages = [{"role": "user", "content": f"请回答{sizes}"}]
        json_type = {"content-type": "application/json"}
        kind = rng.randrange(3)
        if kind == 0:
            body = {"model": "gpt-4o", "messages": messages, "stream": stream}
            headers = {"authorization": f"Bearer {self.keys['app']}"}
            return "/v1/chat/completions", headers | json_type, json.dumps(body).encode()
        if kind == 1:
            body = {
                "model": "claude-3-haiku",
                "max_tokens": 4096,
                "messages": messages,
                "stream": stream,
            }
            headers = {"x-api-key": self.keys["writer"], "anthropic-version": "2023-06-01"}
            return "/v1/messages", headers | json_type, json.dumps(body).encode()
        contents = {"contents": [{"role": "user", "parts": [{"text": f"请回答{sizes}"}]}]}
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        headers = {"x-goog-api-key": self.keys["search"]}
        path = f"/v1beta/models/gemini-1.5-pro:{verb}"
        return path, headers | json_type, json.dumps(contents).encode()
