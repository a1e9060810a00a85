"""Who may work tonight: what is refused before the first job, each in one line: file, field, value, what to do."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pantheon_git.agent.load import MANIFEST, LoadedAgent, require_local
from pantheon_git.engines import models
from pantheon_git.errors import EngineError, PantheonError
from pantheon_git.night.guard_facts import Facts
from pantheon_git.night.options import NightOptions
from pantheon_git.night.prepare import MODELLESS

IN_PROCESS = "in-process"


def admit(known: Mapping[str, LoadedAgent], used: Iterable[str], options: NightOptions) -> None:
    """Refuse the night where an agent of the commit is not of this machine, or the model of one in use is not on it."""
    for loaded in known.values():
        require_local(loaded)
        require_near(loaded)
    for name in used:
        require_model(known[name], options)


def require_near(loaded: LoadedAgent) -> None:
    """An engine answers in this process, at a Unix socket or over loopback; never from another machine."""
    address = loaded.agent.runtime.address
    if not near(address):
        where = f"agents/{loaded.agent.name}/{MANIFEST}"
        raise PantheonError(
            f"{where}: runtime.address: {address!r}; only {IN_PROCESS}, unix:/PATH and loopback work at night",
            f'set address = "{IN_PROCESS}" in {where} and commit it',
        )


def near(address: str) -> bool:
    """Whether an engine address stays on this machine. A name is near only when it is `localhost`: others are looked
    up, and what they stand for can change."""
    if address == IN_PROCESS:
        return True
    if address.startswith("unix:"):
        return address.removeprefix("unix:").removeprefix("//").startswith("/")
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host = parts.hostname or ""
        if parts.scheme not in ("", "http", "https"):
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_model(loaded: LoadedAgent, options: NightOptions) -> None:
    """The model is a file of this machine; nothing is fetched at night."""
    runtime = loaded.agent.runtime
    if (runtime.engine if options.engine == "auto" else options.engine) in MODELLESS:
        return
    field, value = f"agents/{loaded.agent.name}/{MANIFEST}: runtime.model", runtime.model
    if options.model_path is not None:
        field, value = "--model-path (or git config pantheon.modelPath)", str(options.model_path)
    try:
        path = models.find(value)
    except EngineError as error:
        raise PantheonError(f"{field}: {value!r}: {error.message}", error.hint) from error
    if not os.access(path, os.R_OK | os.W_OK):
        raise PantheonError(
            f"{field}: {value!r}: {path}: the engine opens it for writing (it writes nothing), and this user may not",
            f"chown or chmod it, or keep a copy of your own: cp {path} ~/models/",
        )


def guard_info(facts: Facts | None, agents: Iterable[LoadedAgent]) -> dict[str, Any]:
    """What the night's signed opening says of the guard, and where its agents' models run."""
    origins = {loaded.agent.name: loaded.agent.runtime.origin for loaded in agents}
    held = facts.as_info() if facts else {"held": False, "why": "not started by `pantheon-git run`"}
    return {**held, "origins": origins}
