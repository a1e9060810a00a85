"""Validate queue, flows, agents and policy before they are committed: all faults at once, each with its place.

The rules are the night's own (`router`, `validate`), so that what passes here does not fail there for its form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pantheon_git.agent.load import FolderReader, LoadedAgent, load_from
from pantheon_git.agent.stock import stock_dir, stock_flows
from pantheon_git.day.snapshot import Snapshot
from pantheon_git.errors import SpecError
from pantheon_git.night.order import LoadedFlow, Planned
from pantheon_git.night.router import route
from pantheon_git.night.validate import Facts, settings_of, task_faults
from pantheon_git.spec.base import NAME, TASK_ID, Spec
from pantheon_git.spec.flow import BUILTIN, Flow, find_cycle
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.load import load, locate
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.task import Task

S = TypeVar("S", bound=Spec)
QUEUE, FLOWS, POLICY = ".pantheon/queue/", ".pantheon/flows/", ".pantheon/policy.toml"


@dataclass
class Checked:
    """What was found good, and every fault of the rest, as `file:line:col: path: message`."""

    policy: Policy = field(default_factory=Policy)
    flows: dict[str, LoadedFlow] = field(default_factory=dict)
    agents: dict[str, LoadedAgent] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def check(snapshot: Snapshot) -> Checked:
    """Check everything in a snapshot."""
    found = Checked()
    found.policy = _one(found, Policy, snapshot, POLICY) or Policy()
    _agents(found, snapshot)
    _flows(found, snapshot)
    _tasks(found, snapshot)
    found.faults += _strays(snapshot)
    found.faults.sort(key=_place)
    return found


def _agents(found: Checked, snapshot: Snapshot) -> None:
    found.agents = load_from(FolderReader(stock_dir()), "stock")
    try:
        found.agents.update(load_from(snapshot, "commit"))
    except SpecError as error:
        found.faults += error.faults
    for name, loaded in found.agents.items():
        origin = loaded.agent.runtime.origin
        if origin != "local":
            where = _at(snapshot, f"agents/{name}/agent.toml", ["runtime", "origin"])
            found.faults.append(f"{where}: runtime.origin: {origin!r}; only 'local' runs at night")


def _flows(found: Checked, snapshot: Snapshot) -> None:
    for file in sorted(stock_flows().glob("*.toml")):
        data = file.read_bytes()
        found.flows[file.stem] = _loaded(file.stem, load(Flow, data, file.name), data, True)
    for path, name in _named(snapshot, FLOWS):
        found.flows.pop(name, None)  # a broken flow must not fall back to the stock one of its name
        if NAME.fullmatch(name) is None:
            found.faults.append(f"{path}:1:1: {name!r} is no name of a flow (letters, digits, '.', '_', '-')")
        flow = _one(found, Flow, snapshot, path)
        if flow is None:
            continue
        found.flows[name] = _loaded(name, flow, snapshot.read(path), False)
        for node, spec in flow.nodes.items():
            if spec.uses not in found.agents and spec.uses not in BUILTIN:
                where = _at(snapshot, path, ["nodes", node, "uses"])
                found.faults.append(f"{where}: nodes.{node}.uses: there is no agent or check {spec.uses!r}")


def _tasks(found: Checked, snapshot: Snapshot) -> None:
    flows = {name: loaded.flow for name, loaded in found.flows.items()}
    agents = {name: loaded.agent for name, loaded in found.agents.items()}
    for path, name in _named(snapshot, QUEUE):
        if TASK_ID.fullmatch(name) is None:
            found.faults.append(f"{path}:1:1: the file's name is no id (small letters, digits, '-', at most 64)")
        task = _one(found, Task, snapshot, path)
        if task is None:
            continue
        found.tasks[name] = task
        globs = Globs(task.scope.paths)
        files = frozenset(globs.select(snapshot.sizes))
        chosen = route(task, sorted(files), flows, agents)
        names = (chosen.flow,) if chosen.flow else chosen.candidates if found.policy.night.router == "model" else ()
        if not names:
            found.faults.append(f"{_at(snapshot, path, ['flow'])}: flow: {chosen.reason}")
            continue
        faults = []
        for flow in (found.flows[one] for one in names):
            planned = Planned(name, path, "", task, flow, chosen.reason, 1, "queued", True, "", files)
            sizes = {f: snapshot.sizes[f] for f in files}
            faults.append(task_faults(Facts(planned, agents, BUILTIN, found.policy, sizes, settings_of(flow.flow))))
        for fault in min(faults, key=len):  # of several flows one that would do is enough
            found.faults.append(f"{_at(snapshot, path, fault.partition(':')[0].split('.'))}: {fault}")
    _cycles(found, snapshot)


def _strays(snapshot: Snapshot) -> Iterator[str]:
    """Files where tasks or flows belong that would never be read: a misspelt suffix must not vanish in silence."""
    for folder, what in ((QUEUE, "task"), (FLOWS, "flow")):
        read = {path for path, _ in _named(snapshot, folder)}
        for path in snapshot.sizes:
            name = path.removeprefix(folder)
            if path.startswith(folder) and path not in read and not name.startswith((".", "README")):
                yield f"{path}:1:1: no {what}: only regular files NAME.toml directly in {folder} are read"


def _cycles(found: Checked, snapshot: Snapshot) -> None:
    if cycle := find_cycle({name: task.needs for name, task in found.tasks.items()}):
        where = _at(snapshot, f"{QUEUE}{cycle[0]}.toml", ["needs"])
        found.faults.append(f"{where}: needs: tasks need each other in a cycle: {' → '.join(cycle)}")


def _named(snapshot: Snapshot, folder: str) -> Iterator[tuple[str, str]]:
    """Path and stem of the TOML files directly in a folder."""
    for path in snapshot.list(folder.rstrip("/")):
        name = path.removeprefix(folder)
        if name.endswith(".toml") and "/" not in name:
            yield path, name.removesuffix(".toml")


def _one(found: Checked, model: type[S], snapshot: Snapshot, path: str) -> S | None:
    if path not in snapshot.files:
        return None
    try:
        return load(model, snapshot.read(path), path)
    except SpecError as error:
        found.faults += error.faults
        return None


def _loaded(name: str, flow: Flow, data: bytes, stock: bool) -> LoadedFlow:
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return LoadedFlow(name, flow, oid, stock)


def _at(snapshot: Snapshot, path: str, loc: list[str]) -> str:
    data: Mapping[str, bytes] = snapshot.files
    line, column = locate(data[path].decode("utf-8", "replace"), list(loc)) if path in data else (1, 1)
    return f"{path}:{line}:{column}"


def _place(fault: str) -> tuple[str, int, str]:
    path, _, rest = fault.partition(":")
    line = rest.partition(":")[0]
    return path, int(line) if line.isdigit() else 0, rest
