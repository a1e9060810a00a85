"""The one place of the day that talks to a model over a socket: an OpenAI-compatible endpoint, on this machine unless
the person says otherwise for this very call.

`http.client` of the standard library, not a richer client: it reads no proxy from the environment, follows no
redirect, keeps no cookies, looks for no credentials in files, and speaks through a Unix socket in six lines. There is
nothing that has to be turned off, and nothing that an update could turn on.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pantheon_git.errors import PantheonError
from pantheon_git.night.guard import begun
from pantheon_git.night.guard_facts import observe

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer."""
_RUNNING = "is it running? pantheon-git plan SPEC --no-model needs none"
_EXAMPLE = "--endpoint http://127.0.0.1:8080/v1, or --endpoint unix:/run/user/1000/model.sock"


@dataclass(frozen=True)
class Endpoint:
    """Where requests go. `addresses` of a local one are loopback addresses as numbers: no name is ever looked up."""

    url: str
    kind: str
    """`unix`, `http` or `https`."""
    addresses: tuple[str, ...]
    """In the order in which they are tried; the path of a Unix socket."""
    port: int
    path: str
    """In front of `/chat/completions`."""
    local: bool


def endpoint(url: str, cloud: bool = False) -> Endpoint:
    """Read an address. PantheonError where it is none, or lies beyond this machine and `cloud` was not said: before
    any name is looked up and any connection is made."""
    if url.startswith("unix:"):
        path = url.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise PantheonError(f"endpoint {url!r}: the path of a Unix socket begins with /", _EXAMPLE)
        return Endpoint(url, "unix", (path,), 0, "/v1", True)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PantheonError(f"endpoint {url!r}: {error}", _EXAMPLE) from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise PantheonError(f"endpoint {parts.hostname!r}: no key, query or fragment belongs into the address",
                            "the name of a variable that holds the key: --key-env NAME")  # fmt: skip
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PantheonError(f"endpoint {url!r} is no http, https or unix address", _EXAMPLE)
    local = _loopback(parts.hostname)
    if not local:
        _require_cloud(url, parts.scheme, parts.hostname, cloud)
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    return Endpoint(url, parts.scheme, local or (parts.hostname,), port, parts.path.rstrip("/"), bool(local))


def _loopback(host: str) -> tuple[str, ...]:
    """The addresses of a host that is this machine by its very name; empty for every other."""
    if host.casefold() == "localhost":  # never looked up: a hosts file may say anything (RFC 6761, 6.3)
        return ("127.0.0.1", "::1")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ()
    return (host,) if address.is_loopback else ()


def _require_cloud(url: str, scheme: str, host: str, cloud: bool) -> None:
    if not cloud:
        raise PantheonError(
            f"endpoint {url!r} is not on this machine, so nothing is sent to it",
            "a model on this machine needs nothing more; another one is asked with --cloud, said anew for each call",
        )
    if scheme != "https":
        raise PantheonError(
            f"endpoint {url!r}: what leaves this machine is encrypted, so https",
            f"or through a tunnel of your own: ssh -L 8080:127.0.0.1:PORT {host}; --endpoint http://127.0.0.1:8080/v1",
        )


def require_day() -> None:
    """PantheonError inside the night guard, or in a process that was started there: at night no model is asked but the
    engine in the runner's own process. The runner could not even load this: `night` lies below `day` (test_layers)."""
    if begun() or not observe().faults():
        raise PantheonError("at night no endpoint is asked: plan is for the day", "run it outside of the night guard")


def ask(where: Endpoint, path: str, body: Any = None, key: str = "", timeout: float = 600) -> Any:
    """POST `body` as JSON (GET without one) and return the answer's JSON. PantheonError says what went wrong and never
    holds the key."""
    require_day()
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if data else {})}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = _connected(where, timeout)
    try:
        connection.request("POST" if data else "GET", where.path + path, data, headers)
        answer = connection.getresponse()
        said = answer.read(MAX_ANSWER + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PantheonError(f"endpoint {where.url}: {_without(key, str(error) or type(error).__name__)}",
                            _RUNNING) from error  # fmt: skip
    finally:
        connection.close()
    return _json(where, answer, said, key)


def _json(where: Endpoint, answer: http.client.HTTPResponse, said: bytes, key: str) -> Any:
    if 300 <= answer.status < 400:
        target = urlsplit(answer.getheader("Location") or "").hostname or "another place"
        raise PantheonError(f"endpoint {where.url} sends on to {target!r}, and nothing follows there",
                            "give the address itself with --endpoint")  # fmt: skip
    if len(said) > MAX_ANSWER:
        raise PantheonError(f"endpoint {where.url}: an answer of more than {MAX_ANSWER} bytes", "")
    if answer.status != 200:
        text = _without(key, said.decode("utf-8", "replace").strip())[:400]
        hint = "--key-env NAME, a variable that holds the key" if answer.status in (401, 403) else "see what it logs"
        raise RefusedError(f"endpoint {where.url} answers {answer.status}: {text}", hint, answer.status)
    try:
        return json.loads(said)
    except ValueError as error:
        raise PantheonError(f"endpoint {where.url}: the answer is no JSON: {error}", _EXAMPLE) from error


class RefusedError(PantheonError):
    """The endpoint answered, with an HTTP status other than 200."""

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


def _connected(where: Endpoint, timeout: float) -> http.client.HTTPConnection:
    """A connection that stands. Of a local endpoint the other end is a loopback address or a socket of this machine."""
    errors = []
    for address in where.addresses:
        connection = _CONNECTIONS[where.kind](address, where.port, timeout)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            errors.append(f"{address}: {error.strerror or error}")
            continue
        return connection
    raise PantheonError(f"endpoint {where.url}: {'; '.join(errors)}", _RUNNING)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP through a Unix socket; the path stands in place of the address."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    _path = ""


def _unix(path: str, _port: int, timeout: float) -> http.client.HTTPConnection:
    connection = _UnixConnection("localhost", timeout=timeout)
    connection._path = path
    return connection


def _https(address: str, port: int, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPSConnection(address, port, timeout=timeout, context=ssl.create_default_context())


_CONNECTIONS: dict[str, Callable[[str, int, float], http.client.HTTPConnection]] = {
    "unix": _unix,
    "http": lambda address, port, timeout: http.client.HTTPConnection(address, port, timeout=timeout),
    "https": _https,
}


def _without(key: str, text: str) -> str:
    return text.replace(key, "[the key]") if key else text
