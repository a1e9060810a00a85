"""Looking at PRs: all of them, one in full, its diff, its branch in the work tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.gate.facts import from_ledger
from pantheon_git.gate.rules import evaluate
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import PRS
from pantheon_git.ledger.meta import Event, Meta, add_event, all_meta, read_meta
from pantheon_git.ledger.read import jobs, nights
from pantheon_git.pulls.check import check_branch, check_entry
from pantheon_git.pulls.desk import Desk
from pantheon_git.pulls.records import NodeView, PathView, Pull, PullView
from pantheon_git.repo import diff as diffs
from pantheon_git.repo.refs import read_ref, read_refs

OPEN = frozenset({"open", "approved"})


def list_pulls(desk: Desk, states: Collection[str] | None = OPEN) -> list[Pull]:
    """PRs in these states, oldest night first; None: all of them. Reads only.

    One whose commit is in its target already, because a person typed `git merge`, counts as merged.
    """
    settled = all_meta(desk.git, desk.objects)
    tips = read_refs(desk.git, PRS)
    pulls = [
        _pull(entry, settled.get(entry.job), tips.get(PRS + entry.job))
        for night in nights(desk.git, desk.objects)
        if night.endings.get("pr")
        for entry in jobs(desk.git, desk.objects, night.night)
        if entry.ending == "pr"
    ]
    found = _in_their_target(desk, [pull for pull in pulls if pull.state in OPEN])
    pulls = [replace(pull, state="merged", merge=found[pull.job]) if pull.job in found else pull for pull in pulls]
    return [pull for pull in pulls if states is None or pull.state in states]


def open_pulls(desk: Desk) -> list[Pull]:
    """The PRs that wait for a person. Those that are in their target without a record of it (a merge by hand, or one
    that died before it could say so) are recorded as merged first. A second call finds nothing to do."""
    settled = all_meta(desk.git, desk.objects)
    waiting = []
    for pull in list_pulls(desk, None):
        recorded = pull.job in settled and settled[pull.job].state not in OPEN
        if pull.state == "merged" and not recorded:
            event = Event("merged", desk.who, "found in the target", pull.merge)
            add_event(desk.git, desk.objects, desk.key, desk.entry(pull.job), event)
        elif pull.state in OPEN:
            waiting.append(pull)
    return waiting


def _in_their_target(desk: Desk, pulls: list[Pull]) -> dict[str, str]:
    """Of these PRs those whose commit their target holds: job → the target's commit that brought it in."""
    found = {}
    for target in {pull.target for pull in pulls}:
        commits = {pull.commit: pull.job for pull in pulls if pull.target == target}
        bases = {f"^{pull.base}" for pull in pulls if pull.target == target}
        newer = desk.git.run("rev-list", target, *sorted(bases), "--", check=False)  # fails where the target is gone
        for commit in commits.keys() & set(newer.out.decode().split()):
            found[commits[commit]] = _brought_in(desk, commit, target)
    return found


def _brought_in(desk: Desk, commit: str, target: str) -> str:
    spans = f"{commit}..{target}"
    line = desk.git.text("rev-list", "--first-parent", "--ancestry-path", "--reverse", spans, "--").split()
    return line[0] if line else commit


def show(desk: Desk, name: str) -> PullView:
    """One PR in full: what was asked, what each node said, who wrote what, and whether it would merge now."""
    entry = desk.entry(name)
    pull = pull_of(desk, entry)
    meta = read_meta(desk.git, desk.objects, entry.job)
    target_tip = read_ref(desk.git, pull.target)
    faults = _faults(desk, entry, pull)
    findings: list[str] = []
    if pull.state in OPEN and not faults:
        verdict = evaluate(from_ledger(desk.objects, desk.keys, entry, target_tip))
        findings = [str(finding) for finding in verdict.findings]
    return PullView(
        pull=pull,
        task_text=desk.objects.blob(entry.context.revision).decode("utf-8", "replace"),
        nodes=[NodeView(n.name, n.uses, n.kind, n.verdict, n.reason, n.seconds) for n in entry.nodes],
        authorship=entry.summary.get("authorship", {}),
        paths=_paths(desk, pull),
        signed="" if faults else entry.key_id,
        faults=faults,
        findings=findings,
        target_tip=target_tip,
        behind=int(desk.git.text("rev-list", "--count", f"{pull.base}..{target_tip}")) if target_tip else 0,
        events=[asdict(event) for event in meta.events] if meta else [],
        next=_next(pull, faults, findings),
    )


def _faults(desk: Desk, entry: JobEntry, pull: Pull) -> list[str]:
    try:
        if pull.state in OPEN:
            check_branch(entry, pull.tip)
        check_entry(desk, entry)
    except TamperedError as error:
        return [f"TAMPERED: {error.message}"]
    except PantheonError as error:
        return [error.message]
    return []


def _next(pull: Pull, faults: list[str], findings: list[str]) -> list[str]:
    look = f"pantheon-git pr diff {pull.job}"
    why = f"pantheon-git trace {pull.job}"
    if pull.state not in OPEN:
        return [look, why]
    if faults:
        return ["pantheon-git verify", why]
    act = [] if findings else [f"pantheon-git pr merge {pull.job}"]
    return [look, *act, f'pantheon-git pr reject {pull.job} --reason "…"', why]


def diff(desk: Desk, name: str) -> bytes:
    """The patch from the base to the branch as it stands (to the signed commit where the branch is gone)."""
    entry = desk.entry(name)
    pull = _pull(entry, None, read_ref(desk.git, PRS + entry.job))
    return diffs.diff(desk.git, pull.base, pull.tip or pull.commit)


def _paths(desk: Desk, pull: Pull) -> list[PathView]:
    return [
        PathView(_text(stat.path), stat.added, stat.removed, _text(stat.old_path) if stat.old_path else None)
        for stat in diffs.numstat(desk.git, pull.base, pull.commit)
    ]


def checkout(desk: Desk, name: str) -> str:
    """Put the PR's branch into the work tree, as `git checkout` does; returns what to type to come back."""
    entry = desk.entry(name)
    branch = PRS.removeprefix("refs/heads/") + entry.job
    if desk.git.work_tree is None:
        raise PantheonError("a bare repository has no work tree", f"git worktree add ../{entry.job} {branch}")
    if read_ref(desk.git, PRS + entry.job) is None:
        raise PantheonError(f"the branch {branch} is gone", f"git branch {branch} {entry.commit}")
    here = desk.git.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).out.decode().strip()
    done = desk.git.run("checkout", "--quiet", branch, "--", check=False)
    if done.code:
        said = done.err.decode("utf-8", "replace").strip().splitlines()
        raise PantheonError(f"git checkout {branch}: {' '.join(said)}", "git status")
    return f"git checkout {here}" if here else "git checkout -"


def pull_of(desk: Desk, entry: JobEntry) -> Pull:
    """The PR of one entry, as `list_pulls` has it."""
    pull = _pull(entry, read_meta(desk.git, desk.objects, entry.job), read_ref(desk.git, PRS + entry.job))
    merge = _in_their_target(desk, [pull]).get(pull.job) if pull.state in OPEN else None
    return replace(pull, state="merged", merge=merge) if merge else pull


def _pull(entry: JobEntry, meta: Meta | None, tip: str | None) -> Pull:
    stat: Mapping[str, int] = entry.summary.get("diffstat", {})
    context = entry.context
    return Pull(
        job=entry.job,
        task=entry.task,
        night=entry.night,
        title=entry.title,
        state=meta.state if meta else "open",
        branch=PRS.removeprefix("refs/heads/") + entry.job,
        tip=tip,
        commit=str(entry.commit),
        base=context.base,
        target=context.target,
        flow=context.flow,
        started=entry.started,
        seconds=entry.seconds,
        files=stat.get("files", 0),
        added=stat.get("added", 0),
        removed=stat.get("removed", 0),
        merge=meta.merge if meta else None,
    )


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
