"""Where things lie outside the repository: keys, trust, state, models (XDG base directories)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pantheon_git.repo.git import Git

_APP = "pantheon-git"


def config_home() -> Path:
    return _xdg("XDG_CONFIG_HOME", ".config")


def keys_dir() -> Path:
    """OpenSSH private keys, mode 0600."""
    return config_home() / "keys"


def night_key() -> Path:
    """Signs artifacts and nights."""
    return keys_dir() / "night"


def person_key() -> Path:
    """Signs reviews and merges; the night's own key where a person has made no other (one laptop, one person)."""
    path = keys_dir() / "person"
    return path if path.exists() else night_key()


def trust_file() -> Path:
    """Pinned public keys, in OpenSSH's allowed_signers format; outside every work tree, so that no job reaches it."""
    return config_home() / "trust" / "allowed_signers"


def state_dir(git: Git) -> Path:
    """This repository's folder of lease, checkouts and logs, which all linked work trees share; may not exist yet."""
    name = hashlib.sha256(os.fsencode(git.common_dir.resolve())).hexdigest()[:12]
    return state_home() / name


def state_home() -> Path:
    return _xdg("XDG_STATE_HOME", ".local/state")


def cache_home() -> Path:
    return _xdg("XDG_CACHE_HOME", ".cache")


def _xdg(variable: str, default: str) -> Path:
    """The XDG base directory specification: a relative value is to be ignored."""
    value = os.environ.get(variable, "")
    base = Path(value) if Path(value).is_absolute() else Path.home() / default
    return base / _APP
