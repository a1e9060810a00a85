"""The embedded engine behind an OpenAI-compatible server, for `plan` and other tools of this machine.

Loopback or a Unix socket only, one model, no stream: `GET /v1/models` and `POST /v1/chat/completions` as
https://platform.openai.com/docs/api-reference/chat has them, with `response_format` of the type `json_schema`.
Requests at the same time share the engine's batch.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import socketserver
import threading
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as LateError
from pathlib import Path
from typing import Any

from pantheon_git.day.endpoint import Endpoint
from pantheon_git.day.shape import grammar
from pantheon_git.engines.protocol import Completion, Engine, Message, Request
from pantheon_git.errors import EngineError, PantheonError

MAX_BODY = 4 * 1024 * 1024
MAX_TOKENS = 2048
"""Tokens of an answer, where the request does not say."""
_ROLES = ("system", "user", "assistant")


class Service:
    """An engine and the event loop that it answers in; the server's threads wait for it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine-loop", daemon=True)
        self._thread.start()

    def models(self) -> dict[str, Any]:
        model = self.engine.model
        return {"object": "list", "data": [{"id": model.name, "object": "model", "owned_by": "local", "created": 0}]}

    def complete(self, body: Mapping[str, Any], timeout: float = 600) -> dict[str, Any]:
        """The answer to a chat completion. ValueError for what is wrong with the request, EngineError for the rest."""
        request = _request(body, self.engine)
        future = asyncio.run_coroutine_threadsafe(self.engine.complete(request), self._loop)
        try:
            return _answer(self.engine.model.name, future.result(timeout))
        except LateError as error:
            future.cancel()
            raise EngineError(f"no answer within {timeout:g} seconds") from error

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.engine.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _request(body: Mapping[str, Any], engine: Engine) -> Request:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages: a list of at least one")
    if body.get("stream"):
        raise ValueError("stream: answers come whole")
    said = []
    for number, one in enumerate(messages):
        role, content = (one.get("role"), one.get("content")) if isinstance(one, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            raise ValueError(f"messages.{number}: role {', '.join(_ROLES)}, content a text")
        said.append(Message(role, content))
    stop = body.get("stop") or ()
    return Request(
        prompt=engine.render(said),
        max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS),
        grammar=_grammar(body.get("response_format")),
        temperature=float(body.get("temperature") or 0),
        seed=int(body.get("seed") or 0),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        key="serve",
    )


def _grammar(shape: Any) -> str | None:
    kind = shape.get("type") if isinstance(shape, dict) else None
    if shape is None or kind == "text":
        return None
    if kind != "json_schema":
        raise ValueError(f"response_format: {kind!r}; json_schema and text are known")
    return grammar(shape["json_schema"]["schema"])


def _answer(model: str, done: Completion) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": done.finish, "message": {"role": "assistant", "content": done.text}}
    usage = {"prompt_tokens": done.tokens_in, "completion_tokens": done.tokens_out,
             "total_tokens": done.tokens_in + done.tokens_out}  # fmt: skip
    return {"id": f"chatcmpl-{time.time_ns():x}", "object": "chat.completion", "created": int(time.time()),
            "model": model, "choices": [choice], "usage": usage}  # fmt: skip


class _Handler(http.server.BaseHTTPRequestHandler):
    """One request. A page in a browser cannot use it: it sends an Origin, and no foreign Host is answered."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self._ours():
            self._say(200, self.server.service.models())
        else:
            self._say(404, _error("there are /v1/models and /v1/chat/completions"))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/v1/chat/completions" or not self._ours():
            self.close_connection = True
            self._say(404, _error("there are /v1/models and /v1/chat/completions"))
        elif not 0 < length <= MAX_BODY:
            self.close_connection = True
            self._say(413, _error(f"a body of 1 to {MAX_BODY} bytes"))
        else:
            self._say(*self._complete(self.rfile.read(length)))

    def _complete(self, data: bytes) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self.server.service.complete(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return 400, _error(f"{type(error).__name__}: {error}")
        except EngineError as error:
            return 400 if "do not fit" in error.message else 500, _error(error.message)

    def _ours(self) -> bool:
        """Neither a page of a browser nor a name that was pointed at this machine (DNS rebinding)."""
        host = (self.headers.get("Host") or "localhost").rpartition(":")[0] or self.headers.get("Host", "localhost")
        return "Origin" not in self.headers and host in ("localhost", "127.0.0.1", "[::1]", *self.server.hosts)

    def _say(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return str(self.client_address[0]) if self.client_address else "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
        """Prompts and answers are nobody's log."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens where `endpoint` says; `url` is what a client is told."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, where: Endpoint, service: Service) -> None:
        if not where.local or where.kind == "https":
            raise PantheonError(f"{where.url}: only a loopback address or a Unix socket is served", "--port 8080")
        self.service = service
        self.hosts: tuple[str, ...] = where.addresses
        self.path = Path(where.addresses[0]) if where.kind == "unix" else None
        if self.path is not None:
            self.address_family = _unix_family()
        address: Any = str(self.path) if self.path is not None else (where.addresses[0], where.port)
        before = os.umask(0o077)  # a socket that others of this machine may not open
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise PantheonError(f"{where.url}: {error.strerror or error}", "another one: --port 8081") from error
        finally:
            os.umask(before)

    @property
    def url(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host, port = self.socket.getsockname()[:2]
        return f"http://{host}:{port}/v1"

    def server_close(self) -> None:
        super().server_close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _unix_family() -> int:
    import socket

    return socket.AF_UNIX


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error"}}
