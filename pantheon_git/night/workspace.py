"""One job's jail, and what the job left in it: changes → edits → tree, all in memory until the group is committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pantheon_git.errors import JailError
from pantheon_git.jail.names import shown
from pantheon_git.jail.protocol import Change, Jail, JailSpec, Level
from pantheon_git.jail.trees import remove_tree
from pantheon_git.night.clashes import clashes
from pantheon_git.night.patch import Edit, Side, count, render
from pantheon_git.repo.objects import EXECUTABLE, FILE, FOLDER, GITLINK, LINK, Entry, Objects
from pantheon_git.repo.writer import Writer

OpenJail = Callable[[JailSpec, Level | str], Awaitable[Jail]]
Collect = Callable[[JailSpec], list[Change]]
_TOLD = 20
"""Refused paths that are named."""


@dataclass(frozen=True)
class Snapshot:
    """A job's tree at one moment, against its base."""

    edits: Sequence[Edit] = ()
    changes: Sequence[Change] = ()
    refused: tuple[str, ...] = ()
    """Paths that cannot become git objects, each with its reason."""
    tree: str = ""
    """Oid of base tree plus edits."""
    pr_tree: str = ""
    """The same without the job's own task file: what the PR proposes."""
    objects: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def patch(self) -> bytes:
        return render(self.edits)

    @property
    def numstat(self) -> dict[str, tuple[int, int]]:
        return count(self.edits)

    @property
    def changed(self) -> bool:
        return bool(self.edits or self.refused)


class Workspace:
    """Opens the jail once, opens a fresh one for a retry, and reads what it left. Use as an async context manager."""

    def __init__(
        self,
        spec: JailSpec,
        level: Level | str,
        open_jail: OpenJail,
        collect: Collect,
        objects: Objects,
        base_tree: str,
        task_path: str,
    ) -> None:
        self.spec = spec
        self.snapshot = Snapshot(tree=base_tree, pr_tree=base_tree)
        self.cpu_seconds = 0.0
        self.jail_facts: dict[str, str] = {}
        """Level, kind of tree, and what holds the memory limit; for the job's statement."""
        self._level, self._open, self._collect = level, open_jail, collect
        self._objects, self._base_tree, self._task_path = objects, base_tree, task_path.encode()
        self._jail: Jail | None = None
        self._number = 0

    async def __aenter__(self) -> Workspace:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        remove_tree(self._job_dir)

    @property
    def jail(self) -> Jail:
        if self._jail is None:
            raise JailError("the job's jail was closed", "")
        return self._jail

    @property
    def alive(self) -> bool:
        return self._jail is not None

    @property
    def _job_dir(self) -> Path:
        return self.spec.job_dir

    async def _start(self) -> None:
        self._job_dir.mkdir(mode=0o700, parents=True)
        self._jail = jail = await self._open(self.spec, self._level)
        self.jail_facts = {"level": jail.level, "tree": jail.tree, "memory": str(getattr(jail, "memory", "none"))}

    async def close(self) -> None:
        """Kill whatever still runs in the jail. What it left stays readable until the workspace is left."""
        jail, self._jail = self._jail, None
        if jail is not None:
            await jail.close()
            self.cpu_seconds += getattr(jail, "cpu_seconds", 0.0)

    async def restart(self) -> None:
        """A fresh jail on the base, for another attempt; whatever the last one wrote is gone."""
        await self.close()
        remove_tree(self._job_dir)
        self.snapshot = Snapshot(tree=self._base_tree, pr_tree=self._base_tree)
        await self._start()

    def sibling(self, number: int) -> Workspace:
        """Another workspace on the same base, not yet open: for one more candidate of a node."""
        job_dir = self.spec.job_dir
        spec = replace(self.spec, job_dir=job_dir.with_name(f"{job_dir.name}+{number}"))
        return Workspace(spec, self._level, self._open, self._collect, self._objects, self._base_tree,
                         self._task_path.decode())  # fmt: skip

    def adopt(self, other: Workspace) -> None:
        """Go on in another workspace's jail and with its change; it gets this one's, to be closed in its place."""
        if other is not self:
            for name in ("spec", "snapshot", "jail_facts", "_jail"):
                mine, its = getattr(self, name), getattr(other, name)
                setattr(self, name, its)
                setattr(other, name, mine)

    def take_snapshot(self) -> Snapshot:
        """Read the job's changes (no-follow, capped) and make its tree. Later changes in the jail do not alter it."""
        changes = self._collect(self.spec)
        refused = {change.path: change.reason or change.kind for change in changes if change.kind == "special"}
        writer = Writer(self._objects)
        edits: dict[bytes, list[Edit]] = {}
        entries: dict[bytes, Entry | None] = {}
        for change in changes:
            if change.kind != "special" and (made := list(self._edits(change))):
                edits.setdefault(change.path, []).extend(made)
                entries[change.path] = _entry(change, writer)
        try:
            tree, clashing = self._sorted_out(writer, entries)
        except ValueError as error:  # a name that no tree may hold, should `collect` ever let one through
            tree, clashing, entries = self._base_tree, {b"": str(error)}, {}
        entries = {path: entry for path, entry in entries.items() if path not in clashing}
        refused |= clashing
        pr_tree = self._made(writer, {**entries, self._task_path: None}) if entries else self._base_tree
        kept = [edit for path in entries for edit in edits[path]]
        self.snapshot = Snapshot(kept, changes, _told(refused), tree, pr_tree, dict(writer.objects))
        return self.snapshot

    def _sorted_out(self, writer: Writer, entries: Mapping[bytes, Entry | None]) -> tuple[str, dict[bytes, str]]:
        """The tree without the paths that clash with others, and those, each with its reason."""
        tree = self._made(writer, entries)
        written = (path for path, entry in entries.items() if entry)
        clashing = dict(clashes(writer.reader, self._base_tree, tree, written))
        if clashing:
            tree = self._made(writer, {path: entry for path, entry in entries.items() if path not in clashing})
        return tree, clashing

    def _made(self, writer: Writer, entries: Mapping[bytes, Entry | None]) -> str:
        return writer.edit_tree(self._base_tree, entries) if entries else self._base_tree

    def _edits(self, change: Change) -> Iterator[Edit]:
        """The edits that a change amounts to: none where the content is the base's own, many for a folder removed."""
        before = self._objects.find(self._base_tree, change.path)
        if before is not None and before.mode == FOLDER:
            for path, entry in self._objects.walk(before.oid, change.path + b"/"):
                yield Edit(path, self._side(entry), None)
            before = None
        old = None if before is None else self._side(before)
        new = None if change.kind == "delete" else Side(_mode(change), change.data)
        if old != new:
            yield Edit(change.path, old, new)

    def _side(self, entry: Entry) -> Side:
        if entry.mode == GITLINK:  # a submodule's commit is not in this repository; git prints it this way
            return Side(entry.mode, f"Subproject commit {entry.oid}\n".encode())
        return Side(entry.mode, self._objects.blob(entry.oid))


def _told(refused: Mapping[bytes, str]) -> tuple[str, ...]:
    """`path: reason` for what was refused; paths are the job's own words, so nothing in them may steer a terminal or
    end a line. Of many how many they are, and the first ones."""
    lines = [f"{shown(path)}: {why}" if path else why for path, why in sorted(refused.items())]
    count = [f"{len(lines)} paths are refused"] if len(lines) > _TOLD else []
    return (*count, *lines[:_TOLD])


def _mode(change: Change) -> int:
    return LINK if change.kind == "symlink" else EXECUTABLE if change.executable else FILE


def _entry(change: Change, writer: Writer) -> Entry | None:
    if change.kind == "delete":
        return None
    return Entry(_mode(change), change.path.rpartition(b"/")[2], writer.blob(change.data))
