"""What a night would do: queue, flows, agents and policy as they stand in one commit, and where each task stands.

Nothing here reads the work tree: an edit that is not committed never runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pantheon_git.agent.load import LoadedAgent, load_agents
from pantheon_git.agent.stock import stock_flows
from pantheon_git.errors import PantheonError, SpecError
from pantheon_git.ledger.read import TaskState, task_states
from pantheon_git.night.frozen import Tonight, hold_back_unfrozen, tonight
from pantheon_git.night.order import LoadedFlow, Planned, hold_back_collisions, hold_back_needs, in_order
from pantheon_git.night.router import route
from pantheon_git.night.strays import hold_back_strays, strays
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import EXECUTABLE, FILE, FOLDER, Entry, Objects, hash_object
from pantheon_git.spec.base import NAME, TASK_ID, Spec
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.globs import Globs
from pantheon_git.spec.load import load
from pantheon_git.spec.policy import Policy
from pantheon_git.spec.task import Task

S = TypeVar("S", bound=Spec)
QUEUE, FLOWS, POLICY = b".pantheon/queue", b".pantheon/flows", b".pantheon/policy.toml"


@dataclass(frozen=True)
class Broken:
    path: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    base: str
    base_tree: str
    target: str
    """Full name of the branch that the PRs are for."""
    policy: Policy
    policy_oid: str | None
    flows: Mapping[str, LoadedFlow]
    agents: Mapping[str, LoadedAgent]
    tasks: Sequence[Planned]
    """In the order in which they would run."""
    broken: Sequence[Broken]
    index: Mapping[str, Entry]
    """Every file of the base tree; undecodable bytes of a path as surrogates."""
    tonight: Tonight = field(default_factory=Tonight)
    """The frozen queue that decides what runs."""

    @property
    def runnable(self) -> list[Planned]:
        return [task for task in self.tasks if task.runs]

    def task(self, id_: str) -> Planned | None:
        return next((task for task in self.tasks if task.id == id_), None)


def resolve_target(git: Git, configured: str | None) -> str:
    """Full name of the target branch: as configured, else the branch that HEAD names. PantheonError without one."""
    if configured:
        return configured if configured.startswith("refs/") else f"refs/heads/{configured}"
    head = git.run("symbolic-ref", "-q", "HEAD", check=False)
    if head.code:
        raise PantheonError(
            "HEAD is detached, so there is no branch that PRs could be for", "git config pantheon.target BRANCH"
        )
    return head.out.decode().strip()


def make_plan(git: Git, objects: Objects, target: str, base: str | None = None, *, thaw: bool = False) -> Plan:
    """The plan at `base`, else at the tip of `target`, by the frozen queue if the policy has it so (`thaw`: as if none
    were). Raises PantheonError without a commit, where a frozen queue is asked for and there is none that counts, and
    SpecError for a broken policy."""
    base = base or objects.resolve(target)
    if base is None:
        name = target.removeprefix("refs/heads/")
        raise PantheonError(f"the branch {name} has no commit yet", "commit something first, then: pantheon-git init")
    tree = objects.commit(base).tree
    index = {path.decode("utf-8", "surrogateescape"): entry for path, entry in objects.walk(tree)}
    broken: list[Broken] = []
    flows = _flows(objects, tree, broken)
    agents = load_agents(objects, tree)
    states = task_states(git, objects, tree)
    policy, policy_oid = read_policy(objects, tree)
    several = policy.night.router == "model"
    tasks = [
        planned
        for name, oid in _files(objects, tree, QUEUE)
        if (planned := _planned(objects, name, oid, flows, agents, states, index, broken, several))
    ]
    tasks = hold_back_strays(tasks, strays(git))
    going_by = Tonight() if thaw else tonight(git, objects, target, base, policy.night.frozen, policy_oid)
    if going_by.frozen is not None:
        tasks = hold_back_unfrozen(tasks, going_by.frozen, policy_oid, agents)
    ordered = hold_back_collisions(hold_back_needs(in_order(tasks), states))
    return Plan(base, tree, target, policy, policy_oid, flows, agents, ordered, tuple(broken), index, going_by)


def read_policy(objects: Objects, tree: str) -> tuple[Policy, str | None]:
    """The policy of a tree and its blob's oid; the defaults and None where the tree has none."""
    entry = objects.find(tree, POLICY)
    if entry is None:
        return Policy(), None
    return load(Policy, objects.blob(entry.oid), POLICY.decode()), entry.oid


def _files(objects: Objects, tree: str, folder: bytes) -> list[tuple[str, str]]:
    """Names and oids of the `.toml` files directly in a folder, by name. Links are no files."""
    entry = objects.find(tree, folder)
    if entry is None or entry.mode != FOLDER:
        return []
    return [
        (e.name.decode("utf-8", "replace"), e.oid)
        for e in sorted(objects.tree(entry.oid), key=lambda e: e.name)
        if e.name.endswith(b".toml") and e.mode in (FILE, EXECUTABLE)
    ]


def _flows(objects: Objects, tree: str, broken: list[Broken]) -> dict[str, LoadedFlow]:
    found: dict[str, LoadedFlow] = {}
    for path in sorted(stock_flows().glob("*.toml")):
        data = path.read_bytes()
        oid = hash_object("blob", data)
        found[path.stem] = LoadedFlow(path.stem, load(Flow, data, path.name), oid, stock=True)
    for name, oid in _files(objects, tree, FLOWS):
        path_, stem = f"{FLOWS.decode()}/{name}", name.removesuffix(".toml")
        found.pop(stem, None)  # a broken flow must not fall back to the stock one of its name
        flow = _load(Flow, objects.blob(oid), path_, NAME.fullmatch(stem) is not None, broken)
        if flow is not None:
            found[stem] = LoadedFlow(stem, flow, oid, stock=False)
    return found


def _load(model: type[S], data: bytes, path: str, named_well: bool, broken: list[Broken]) -> S | None:
    faults = [] if named_well else [f"{path}:1:1: the file's name is no id (small letters, digits, '-', at most 64)"]
    try:
        spec = load(model, data, path)
    except SpecError as error:
        faults += error.faults
    if faults:
        broken.append(Broken(path, tuple(faults)))
        return None
    return spec


def _planned(
    objects: Objects,
    name: str,
    oid: str,
    flows: Mapping[str, LoadedFlow],
    agents: Mapping[str, LoadedAgent],
    states: Mapping[str, TaskState],
    index: Mapping[str, Entry],
    broken: list[Broken],
    several: bool,
) -> Planned | None:
    """`several`: a task for which the rules leave several flows is planned, undecided."""
    path, id_ = f"{QUEUE.decode()}/{name}", name.removesuffix(".toml")
    task = _load(Task, objects.blob(oid), path, TASK_ID.fullmatch(id_) is not None, broken)
    if task is None:
        return None
    globs = Globs(task.scope.paths)
    wild = globs.select(index) if globs.has_wild else ()
    files = frozenset(globs.literals).union(wild)
    chosen = route(task, sorted(files), {n: f.flow for n, f in flows.items()}, {n: a.agent for n, a in agents.items()})
    names = (chosen.flow,) if chosen.flow else chosen.candidates if several else ()
    if not names:
        broken.append(Broken(path, (f"{path}:1:1: flow: {chosen.reason}",)))
        return None
    state = states.get(id_)
    name_of_state = state.state if state else "queued"
    runs, why = _verdict(id_, name_of_state, state)
    attempt = state.attempt if state else 1
    open_ = tuple(flows[name] for name in names) if len(names) > 1 else ()
    reason = chosen.reason if chosen.flow else chosen.reason.partition(";")[0]
    found = Planned(id_, path, oid, task, flows[names[0]], reason, attempt, name_of_state, runs, why, files)
    return replace(found, candidates=open_)


def _verdict(id_: str, name: str, state: TaskState | None) -> tuple[bool, str]:
    if name == "queued":
        return True, "yes: queued"
    job = state.job if state else id_
    hints = {
        "pr": f"its PR {job} is open; pantheon-git pr show {id_}",
        "failed": f"it stopped as {job}; pantheon-git trace {id_}, then edit it or: pantheon-git retry {id_}",
        "rejected": f"{job} was rejected; edit it or: pantheon-git retry {id_}",
        "merged": f"{job} was merged; its file can go",
        "running": f"{job} is running, or its night was cut off",
    }
    return False, f"no: {hints.get(name, name)}"
