"""The specialists and files of a work tree, as they stand before any commit."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pantheon_git.agent.load import FolderReader, load_from
from pantheon_git.agent.stock import stock_dir
from pantheon_git.day.intents import Roster
from pantheon_git.day.snapshot import Snapshot
from pantheon_git.errors import PantheonError
from pantheon_git.repo.git import Git
from pantheon_git.spec.agent import Agent


def specialists(snapshot: Snapshot) -> dict[str, Agent]:
    """Those of the snapshot over the stock ones. SpecError where a manifest is wrong."""
    loaded = load_from(FolderReader(stock_dir()), "stock") | load_from(snapshot, "commit")
    return {name: one.agent for name, one in sorted(loaded.items()) if one.agent.kind == "specialist"}


def roster(git: Git, snapshot: Snapshot, labels: Mapping[str, str] | None = None, fallback: str = "") -> Roster:
    """PantheonError where `labels` or `fallback` name an agent that is not here."""
    root = git.work_tree
    assert root is not None  # noqa: S101 - the command line asks for it first
    agents = specialists(snapshot)
    for name in filter(None, [*(labels or {}).values(), fallback]):
        if name not in agents:
            raise PantheonError(f"there is no specialist {name!r}", f"known: {', '.join(agents)}")
    listed = git.run("-C", str(root), "ls-files", "-z", "--cached").out
    known = sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})
    tracked = [path for path in known if path in snapshot.sizes and not path.startswith((".pantheon/", "agents/"))]
    return Roster(git, root, agents, tracked, labels or {}, fallback)
