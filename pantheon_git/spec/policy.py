"""The policy: `.pantheon/policy.toml`, always read from the base commit, never from a job's branch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pantheon_git.spec.base import Spec


class Ceilings(Spec):
    """Upper bounds for every job; a task may ask for less, never for more."""

    steps: int = Field(20, ge=1)
    tool_calls: int = Field(20, ge=0)
    failures: int = Field(3, ge=0)
    wall_seconds: float = Field(900, gt=0)
    tokens: int = Field(4000, ge=1)
    diff_lines: int = Field(400, ge=1)


class JailLimits(Spec):
    memory_mb: int = Field(1024, ge=64)
    processes: int = Field(64, ge=4)
    file_mb: int = Field(64, ge=1)
    """The largest file that a job may write."""
    output_kb: int = Field(1024, ge=16)
    """Bytes of one tool answer or one command's output."""
    open_files: int = Field(256, ge=32)


class GateRules(Spec):
    reviewers: int = Field(2, ge=0)
    """Different reviewers that must pass in any case. Which of the flow's must, `escaped_defects` says."""
    escaped_defects: float | None = Field(None, alias="escaped-defects", gt=0, lt=1)
    """Share of accepted changes that may be bad. From the measured rates of the reviewers follows which of them must
    pass so that it is kept; until enough is known, and without this key, all of them."""
    forbidden_paths: tuple[str, ...] = ()
    """Globs that no job may change, besides the built-in (`.pantheon/`, `agents/`, `hooks/`, CI, git attributes)."""
    allow_binary: bool = False
    allow_executable: bool = False


class Plants(Spec):
    """Known-bad variants of the night's own good changes, and changes that people committed, shown to the reviewers to
    measure them. They can never be merged."""

    share: float = Field(0.1, ge=0, le=1)
    """Of the jobs of a night, those whose change is planted from once it is accepted; rounded up. 0: none."""
    most: int = Field(20, ge=0, le=1000)
    """At most so many a night. Each costs two reviews by each reviewer: of a bad change, and of a good one."""


class Protect(Spec):
    branches: tuple[str, ...] = ()
    """Globs of branches (`main`, `release/*`) that may only grow, by commits that a trusted person signed: `pr merge`,
    or `git commit -S`. The hooks `reference-transaction` and `pre-receive` keep it, by the policy at the branch's own
    tip."""


class Night(Spec):
    frozen: Literal["if-present", "required", "off"] = "if-present"
    """Whether a night runs only what a person froze (`pantheon-git freeze`). `if-present`: where the target's latest
    frozen queue still has jobs to do, these and nothing else; else the queue as committed. `required`: never anything
    that was not frozen. `off`: frozen queues mean nothing; one that was frozen before the policy said so binds all the
    same, until it is done or withdrawn."""
    router: Literal["model", "rules"] = "model"
    """Of a task that names no flow, where rules leave several: `model` chooses among these by likelihood, or tells that
    it cannot; with `rules` such a task is a fault."""


class Policy(Spec):
    schema_: Literal[1] = Field(1, alias="schema")
    ceilings: Ceilings = Ceilings()
    jail: JailLimits = JailLimits()
    gate: GateRules = GateRules()
    plants: Plants = Plants()
    protect: Protect = Protect()
    night: Night = Night()
    share: tuple[str, ...] = ()
    """Untracked folders that jobs see read-only, such as `node_modules` or `.venv`; statements hold their digest."""
