"""Small real nights for the tests of the ledger: a repository, a key, jobs of seven signed nodes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon_git.ledger.keys import Key, generate
from pantheon_git.ledger.ledger import Ledger
from pantheon_git.ledger.records import Ending, JobContext, JobResult, NodeResult, Verdict
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys, configure_git, trust
from pantheon_git.repo import paths
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry, Objects
from pantheon_git.repo.writer import Writer

NODES = ("validate", "write", "check", "peer-a", "peer-b", "agree", "gate")
NAME = "20261125T230000Z"


@dataclass
class House:
    """A repository with one commit, a pair of keys that it trusts, and a ledger."""

    git: Git
    key: Key

    def __post_init__(self) -> None:
        self.objects = Objects(self.git)
        self.ledger = Ledger(self.git, self.objects, self.key)

    @property
    def keys(self) -> TrustedKeys:
        return TrustedKeys.load(paths.trust_file())

    @property
    def base(self) -> str:
        return self.git.text("rev-parse", "main")

    def again(self) -> House:
        """As another process would see it."""
        return House(Git.discover(self.git.path), self.key)

    def context(self, job: str, night: str = NAME) -> JobContext:
        task, _, attempt = job.rpartition(".")
        found = self.git.run("rev-parse", f"main:.pantheon/queue/{task}.toml", check=False)
        revision = found.out.decode().strip() if found.code == 0 else "0" * 40
        return JobContext(night, job, task, revision, int(attempt), "doc", "1" * 40, self.base, "refs/heads/main")

    def result(
        self,
        job: str,
        ending: Ending = "pr",
        night: str = NAME,
        nodes: Sequence[str] = NODES,
        reason: str = "all rules hold",
        details: Mapping[str, Any] | None = None,
    ) -> JobResult:
        context = self.context(job, night)
        previous, signed = None, []
        for index, name in enumerate(nodes, 1):
            last = index == len(nodes)
            verdict: Verdict = "fail" if last and ending == "failed" else "pass"
            files = {"input.json": f'{{"job": "{job}"}}'.encode(), "output.json": b"{}", "stdout.log": name.encode()}
            result = NodeResult(
                index, name, f"uses.{name}", "check", verdict, reason, 1795600000.25, 0.5, 1, files, details or {}
            )
            signed.append(self.ledger.sign_node(context, result, previous))
            previous = signed[-1].statement_sha256
        writer = Writer(self.objects)
        base = self.objects.commit(self.base).tree
        tree = base
        if ending != "unchanged":
            tree = writer.edit_tree(base, {f"docs/{job}.md".encode(): Entry(FILE, b"", writer.blob(job.encode()))})
        stopped = nodes[-1] if ending in ("failed", "refused") else None
        title, summary = f"Describe {job}", {"tokens": {"in": 10, "out": 5}}
        return JobResult(
            context, signed, ending, reason, stopped, tree, dict(writer.objects), title, "Asked for.", 1795600000.0,
            4.0, summary,
        )  # fmt: skip

    def night(self, jobs: Iterable[str | JobResult], name: str = NAME, group: int = 3) -> list[str]:
        """A whole night, in groups; returns the oids of the jobs' commits."""
        results = [job if isinstance(job, JobResult) else self.result(job, night=name) for job in jobs]
        self.ledger.open_night(name, [result.context for result in results], {"base": self.base})
        commits = []
        for start in range(0, len(results), group):
            commits += [done.commit for done in self.ledger.commit_group(name, results[start : start + group])]
        self.ledger.close_night(name, {"put_off": {}})
        return [commit for commit in commits if commit]


def house(folder: Path, tasks: Iterable[str] = ()) -> House:
    """A repository in `folder` with a committed queue."""
    folder.mkdir(parents=True, exist_ok=True)
    git = Git(folder)
    git.run("init", "-q", "-b", "main")
    (folder / "README.md").write_text("# A house\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("# A\n")
    for task in tasks:
        put_task(folder, task)
    git.run("add", "-A")
    git.run("commit", "-q", "-m", "First")
    path = paths.night_key()
    if not path.exists():
        trust(paths.trust_file(), generate(path).public, (NIGHT, PERSON))
    git = Git.discover(folder)
    configure_git(git, paths.trust_file())
    return House(git, _load(path))


def put_task(folder: Path, task: str, summary: str = "Describe it") -> None:
    path = folder / ".pantheon" / "queue" / f"{task}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'schema = 1\nscope.paths = ["docs/a.md"]\ngoal.summary = "{summary}"\n')


def _load(path: Path) -> Key:
    from pantheon_git.ledger.keys import load_private

    return load_private(path)


def clock() -> float:
    return time.perf_counter()
