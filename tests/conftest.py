"""No test touches the real home, its git identity, its keys or its ledger state. Only the model store is shared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

GITCONFIG = """\
[user]
\tname = Ada Person
\temail = ada@example.org
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[gc]
\tauto = 0
"""
"""`protocol.file` lets tests add submodules from a folder; without `gc.auto` no collector runs behind a test's back."""

XDG = {"CONFIG": ".config", "STATE": ".local/state", "CACHE": ".cache", "DATA": ".local/share"}
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("PANTHEON_MODELS", str(_CACHE / "pantheon-git" / "models"))  # before HOME is replaced


def isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Point everything that a program may read of its user at `home`, and drop what git exports to hooks."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(GITCONFIG)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name, folder in XDG.items():
        patch.setenv(f"XDG_{name}_HOME", str(home / folder))
    for name in ("EMAIL", "NO_COLOR", "FORCE_COLOR", "SSH_AUTH_SOCK", "COLUMNS", "PANTHEON_ENGINE"):
        patch.delenv(name, raising=False)
    patch.setenv("TZ", "UTC")
    patch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that outlive one test."""
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home for each test: no key, no trust, no state is left from another one."""
    folder = tmp_path_factory.mktemp("home")
    isolate(monkeypatch, folder)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of the level `bubblewrap` names it among its parameters; without the program it is skipped by name."""
    if shutil.which("bwrap"):
        return
    missing = pytest.mark.skip(reason="bwrap: apt install bubblewrap")
    for item in items:
        _, _, parameters = item.name.partition("[")
        if "bubblewrap" in parameters.removesuffix("]").split("-"):
            item.add_marker(missing)
