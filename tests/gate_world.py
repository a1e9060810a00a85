"""A real repository with keys, a ledger and one-task nights whose nodes say what a test wants: no model, no jail."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pantheon_git.agent.stock import stock_flows
from pantheon_git.gate.facts import Facts, in_flight
from pantheon_git.gate.rules import GateVerdict, evaluate
from pantheon_git.ledger.keys import generate, load_private
from pantheon_git.ledger.ledger import CommittedJob, Ledger
from pantheon_git.ledger.read import task_states
from pantheon_git.ledger.records import JobContext, JobResult, NodeResult, SignedNode
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys, configure_git, trust
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry, Objects, hash_object
from pantheon_git.repo.writer import Writer
from pantheon_git.spec.flow import Flow
from pantheon_git.spec.load import load
from pantheon_git.spec.steps import expand

TASK = """\
schema = 1
flow = "{flow}"
[scope]
paths = [{scope}]
[goal]
summary = "Describe {id}"
{more}
"""
BODY = b"# Title\n\nSome text that stays.\n"
GOOD = b"---\ndescription: What this is about\n---\n" + BODY
"""What a job may well propose for `BODY`."""


def git_in(path: Path, *args: str, data: bytes | None = None) -> str:
    done = subprocess.run(["git", "-C", str(path), *args], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


@dataclass
class Ran:
    """One job as a night left it."""

    context: JobContext
    verdict: GateVerdict
    facts: Facts
    committed: CommittedJob | None = None


@dataclass
class World:
    """`path`: a work tree on `main` with a few documents; tasks are committed by `add_task`."""

    path: Path
    nights: int = 0
    git: Git = field(init=False)

    def __post_init__(self) -> None:
        subprocess.run(["git", "init", "-q", str(self.path)], check=True)
        for name in ("docs/a.md", "docs/b.md", "src/x.py", "docs/sub dir/é.md"):
            self.write(name, BODY)
        self.commit("First")
        self.git = Git.discover(self.path)
        if not paths.night_key().exists():
            trust(paths.trust_file(), generate(paths.night_key()).public, (NIGHT, PERSON))
        configure_git(self.git, paths.trust_file())
        self.objects = Objects(self.git)
        self.ledger = Ledger(self.git, self.objects, load_private(paths.night_key()))
        self.keys = TrustedKeys.load(paths.trust_file())

    def write(self, name: str, data: bytes | str, mode: int = 0o644) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        file.chmod(mode)

    def commit(self, message: str = "Change") -> str:
        git_in(self.path, "add", "-A")
        git_in(self.path, "commit", "-q", "-m", message)
        return git_in(self.path, "rev-parse", "HEAD")

    def add_task(self, id_: str, *scope: str, flow: str = "doc.frontmatter", more: str = "") -> None:
        quoted = ", ".join(f'"{path}"' for path in scope)
        self.write(f".pantheon/queue/{id_}.toml", TASK.format(id=id_, scope=quoted, flow=flow, more=more))

    def run(
        self,
        id_: str,
        edits: Mapping[str, bytes | Entry | None],
        *,
        says: Mapping[str, str] | None = None,
        refused: Sequence[str] = (),
        attempt: int = 1,
        store: bool = True,
        trees: Mapping[str, str] | None = None,
    ) -> Ran:
        """One job from the tip of `main`: `edits` are what it left; `says` overrules a node's verdict."""
        base = git_in(self.path, "rev-parse", "main")
        tree = self.objects.commit(base).tree
        task_path = f".pantheon/queue/{id_}.toml".encode()
        revision = self.objects.find(tree, task_path)
        assert revision is not None
        flow_name = load_task_flow(self.objects.blob(revision.oid))
        entry = self.objects.find(tree, f".pantheon/flows/{flow_name}.toml".encode())
        text = self.objects.blob(entry.oid) if entry else (stock_flows() / f"{flow_name}.toml").read_bytes()
        self.nights += 1
        night = f"20260101T{self.nights:06}Z"
        context = JobContext(
            night,
            f"{id_}.{attempt}",
            id_,
            revision.oid,
            attempt,
            flow_name,
            hash_object("blob", text),
            base,
            "refs/heads/main",
        )
        writer = Writer(self.objects)
        changes: dict[bytes, Entry | None] = {
            name.encode("utf-8", "surrogateescape"): to_entry(writer, new) for name, new in edits.items()
        }
        proposed = writer.edit_tree(tree, {**changes, task_path: None} if changes else {})
        signed: list[SignedNode] = []
        gate = ""
        verdict: GateVerdict | None = None
        facts: Facts | None = None
        for step in expand(load(Flow, text, flow_name)):
            details: dict[str, Any] = {"tree": (trees or {}).get(step.name, proposed)}
            said, reason = (says or {}).get(step.name, "pass"), ""
            if step.spec.uses == "merge-gate":
                gate = step.name
                facts = in_flight(self.objects, self.keys, context, gate, signed, proposed, writer.objects, refused)
                verdict = evaluate(facts)
                details["gate"] = verdict.record(facts)
                said, reason = ("pass" if verdict.passed else "fail"), verdict.reason
            kind = "review" if step.spec.uses.startswith("review") else "agent" if "doc." in step.spec.uses else "check"
            result = NodeResult(
                step.index, step.name, step.spec.uses, kind, said, reason, time.time(), 0.1, predicate=details
            )  # type: ignore[arg-type]
            previous = signed[-1].statement_sha256 if signed else None
            signed.append(self.ledger.sign_node(context, result, previous))
        assert verdict is not None
        assert facts is not None
        ran = Ran(context, verdict, facts)
        if store:
            result_ = JobResult(
                context=context,
                nodes=signed,
                ending="pr" if verdict.passed else "failed",
                reason=verdict.reason,
                stopped_at=None if verdict.passed else gate,
                tree=proposed,
                objects=dict(writer.objects),
                title=f"Describe {id_}",
                body="Asked for.",
                started=time.time(),
                seconds=0.5,
                summary={"authorship": {"docs/a.md": {"description": "model"}}},
            )
            self.ledger.open_night(night, [context], {"base": base, "guard": {"held": True}})
            (ran.committed,) = self.ledger.commit_group(night, [result_])
            self.ledger.close_night(night, {"put_off": {}})
        return ran


def with_a_pr(path: Path) -> World:
    """Two tasks asked for, one PR open."""
    world = World(path)
    world.add_task("one", "docs/a.md")
    world.add_task("two", "docs/b.md")
    world.commit("Ask")
    assert world.run("one", {"docs/a.md": GOOD}).committed is not None
    return world


def snapshot(world: World) -> tuple[str, str, str]:
    """Every ref, the state of the work tree, and the index."""
    refs = git_in(world.path, "for-each-ref", "--format=%(objectname) %(refname)")
    return refs, git_in(world.path, "status", "--porcelain"), git_in(world.path, "ls-files", "-s")


def state_of(world: World, task: str) -> str:
    tree = git_in(world.path, "rev-parse", "main^{tree}")
    return task_states(world.git, world.objects, tree)[task].state


def load_task_flow(data: bytes) -> str:
    import tomllib

    return str(tomllib.loads(data.decode())["flow"])


def to_entry(writer: Writer, new: bytes | Entry | None) -> Entry | None:
    return Entry(FILE, b"", writer.blob(new)) if isinstance(new, bytes) else new
