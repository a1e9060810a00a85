"""A model that answers by rules, behind the product's own OpenAI-compatible server: real requests over real sockets.

It reads the question as a model would have to: the specialists, the files and the numbered lines of the specification.
Each line with `page` and the stem of a file becomes a task. What a bad model might answer can be put in its place.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pantheon_git.day.endpoint import endpoint
from pantheon_git.day.serve import Server, Service
from pantheon_git.engines.protocol import Completion, Message, ModelInfo, Request, Score


@dataclass
class RulesEngine:
    """See `engines.protocol.Engine`. Keeps every request that it got."""

    answer: str = ""
    """In place of the rules' own."""
    asked: list[Request] = field(default_factory=list)
    name: str = "rules"
    model: ModelInfo = field(default_factory=lambda: ModelInfo("rules-1", Path("/dev/null"), "sha256:0", 10**6))

    def render(self, messages: Sequence[Message]) -> str:
        return "\n".join(f"<{one.role}>{one.content}" for one in messages)

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        text = self.answer or by_rules(request.prompt)
        return Completion(text, "stop", len(request.prompt) // 4, len(text) // 4, 0.0, 0.0, 0.0, "sha256:0")

    async def score(self, prompt: str, text: str, key: str = "") -> Score:
        raise AssertionError("a plan scores nothing")

    async def close(self) -> None:
        return


def by_rules(prompt: str) -> str:
    """Tasks for the lines that speak of a page whose file is listed."""
    files = re.findall(r"^([\w/.-]+\.md)$", prompt, re.MULTILINE)
    lines = re.findall(r"^(\d+)\| (.*page.*)$", prompt, re.MULTILINE)
    tasks = [
        {"line": int(number), "agent": "doc.frontmatter", "paths": [path], "goal": f"Describe the page {path}",
         "acceptance": ["It says who it is for"], "priority": "high", "needs": []}
        for number, line in lines for path in files if Path(path).stem in line
    ]  # fmt: skip
    return json.dumps({"tasks": tasks})


@contextlib.contextmanager
def serving(engine: RulesEngine, url: str = "http://127.0.0.1:0/v1") -> Iterator[str]:
    """The address at which the engine answers."""
    service = Service(engine)
    with Server(endpoint(url), service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()
            service.close()


@dataclass
class Listener:
    """Counts connections and answers what it is told to; the port is on every address of the machine."""

    answer: bytes = b""
    connections: list[bytes] = field(default_factory=list)
    port: int = 0


@contextlib.contextmanager
def listening(answer: bytes = b"", host: str = "0.0.0.0") -> Iterator[Listener]:  # noqa: S104 - seen from anywhere, to be sure
    found = Listener(answer)
    with socket.create_server((host, 0)) as server:
        found.port = server.getsockname()[1]
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(5)
                    found.connections.append(connection.recv(65536) if not done.is_set() else b"")
                    connection.sendall(found.answer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            done.set()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", found.port), 5).close()
            thread.join(5)
