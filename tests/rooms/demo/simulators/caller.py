"""A plain way to call the simulators and to ask them what they served."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from yuejie.demo.simulators.launch import Running
from yuejie.demo.simulators.truth import TruthLine, read


@dataclass
class Reply:
    """What came back, however far it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[Any]:
        """The JSON of every data line, comments and [DONE] left out."""
        lines = self.body.decode().splitlines()
        data = [line[6:] for line in lines if line.startswith("data: ")]
        return [json.loads(one) for one in data if one != "[DONE]"]


OPENAI = {"authorization": "Bearer sk-simulator"}
ANTHROPIC = {"x-api-key": "sk-simulator", "anthropic-version": "2023-06-01"}
GEMINI = {"x-goog-api-key": "sk-simulator"}


@dataclass
class Simulators:
    """The running process, its truth, and a caller."""

    running: Running

    @property
    def url(self) -> str:
        return self.running.url

    def post(self, path: str, body: object, headers: dict[str, str], timeout: float = 20) -> Reply:
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=timeout)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        try:
            connection.request("POST", path, data, headers)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            try:
                return Reply(answer.status, fields, answer.read())
            except http.client.IncompleteRead as cut:
                return Reply(answer.status, fields, cut.partial, whole=False)
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def chat(self, marker: str, headers: dict[str, str] | None = None, **more: object) -> Reply:
        messages = [{"role": "user", "content": f"请问 {marker}"}]
        body = {"model": "gpt-4o", "messages": messages, **more}
        return self.post("/v1/chat/completions", body, OPENAI | (headers or {}))

    def message(self, marker: str, **more: object) -> Reply:
        messages = [{"role": "user", "content": f"请问 {marker}"}]
        body = {"model": "claude-sonnet-5", "max_tokens": 4096, "messages": messages, **more}
        return self.post("/v1/messages", body, ANTHROPIC)

    def generate(self, marker: str, *, stream: bool = False, **more: object) -> Reply:
        body = {"contents": [{"role": "user", "parts": [{"text": f"请问 {marker}"}]}], **more}
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return self.post(f"/v1beta/models/gemini-2.5-pro:{verb}", body, GEMINI)

    def truth(self) -> list[TruthLine]:
        return list(read(self.running.truth))

    def last(self) -> TruthLine:
        return self.truth()[-1]
