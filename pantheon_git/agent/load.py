"""Agents of a commit: `agents/NAME/agent.toml` and the files beside it, else the stock ones. Data only, never code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pantheon_git.agent.stock import stock_dir
from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.spec.agent import Agent
from pantheon_git.spec.load import load

if TYPE_CHECKING:
    from pantheon_git.repo.objects import Objects

MANIFEST = "agent.toml"
_REGULAR = (0o100644, 0o100755)


class Reader(Protocol):
    """A tree of files that can be listed and read."""

    def list(self, prefix: str) -> Iterable[str]:
        """Paths of the regular files below `prefix`."""

    def read(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class TreeReader:
    """A git tree."""

    objects: Objects
    tree: str

    def list(self, prefix: str) -> list[str]:
        folder = self.objects.find(self.tree, prefix.encode())
        if folder is None or folder.mode != 0o040000:
            return []
        found = self.objects.walk(folder.oid)
        return [f"{prefix}/{path.decode('utf-8', 'replace')}" for path, entry in found if entry.mode in _REGULAR]

    def read(self, path: str) -> bytes:
        entry = self.objects.find(self.tree, path.encode())
        if entry is None:
            raise KeyError(path)
        return self.objects.blob(entry.oid)


@dataclass(frozen=True)
class FolderReader:
    """A folder on disk whose children are agents; paths begin with `agents/` as in a tree."""

    root: Path

    def list(self, prefix: str) -> list[str]:
        files = sorted(path for path in self.root.glob("*/**/*") if path.is_file())
        return [f"{prefix}/{path.relative_to(self.root).as_posix()}" for path in files]

    def read(self, path: str) -> bytes:
        return (self.root / path.partition("/")[2]).read_bytes()


@dataclass(frozen=True)
class LoadedAgent:
    """A manifest with its files, as they were in one commit or in the program's own stock."""

    agent: Agent
    prompt: str
    digest: str
    """`sha256:…` over names and contents of all its files."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Name relative to the agent's folder → content."""
    source: str = "stock"
    """`commit` or `stock`."""


def load_agents(objects: Objects, tree: str, stock: bool = True) -> dict[str, LoadedAgent]:
    """All agents of a commit's tree by name, over the stock ones. SpecError lists the faults of all manifests."""
    agents = load_from(FolderReader(stock_dir()), "stock") if stock else {}
    return {**agents, **load_from(TreeReader(objects, tree), "commit")}


def require_local(loaded: LoadedAgent) -> None:
    """Only what runs on this machine runs at night. PantheonError names file, field and value."""
    agent = loaded.agent
    if agent.runtime.origin != "local":
        raise PantheonError(
            f"agents/{agent.name}/{MANIFEST}: runtime.origin: {agent.runtime.origin!r}; only 'local' runs at night",
            f'set origin = "local" in agents/{agent.name}/{MANIFEST} and commit it',
        )


def digest_of(files: Mapping[str, bytes]) -> str:
    """sha256 over `NAME NUL LENGTH NUL CONTENT` of each file, in order of name."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{len(files[name])}\0".encode())
        whole.update(files[name])
    return f"sha256:{whole.hexdigest()}"


def load_from(reader: Reader, source: str) -> dict[str, LoadedAgent]:
    """The agents that a reader holds under `agents/`; `source` is `commit` or `stock`."""
    folders: dict[str, dict[str, bytes]] = {}
    for path in reader.list("agents"):
        _, _, inner = path.partition("/")
        name, _, file = inner.partition("/")
        if file:
            folders.setdefault(name, {})[file] = reader.read(path)
    found: dict[str, LoadedAgent] = {}
    faults: list[str] = []
    for name, files in sorted(folders.items()):
        if MANIFEST in files:
            try:
                found[name] = _one(name, files, source)
            except SpecError as error:
                faults += error.faults
    if faults:
        raise SpecError(faults)
    return found


def _one(name: str, files: dict[str, bytes], source: str) -> LoadedAgent:
    where = f"agents/{name}/{MANIFEST}"
    agent = load(Agent, files[MANIFEST], where)
    if agent.name != name:
        raise SpecError([f"{where}:1:1: name: {agent.name!r}, but the folder is called {name!r}"])
    if agent.prompt not in files:
        raise SpecError([f"{where}:1:1: prompt: there is no file {agent.prompt!r} beside the manifest"])
    prompt = files[agent.prompt].decode("utf-8", "replace")
    return LoadedAgent(agent, prompt, digest_of(files), files, source)
