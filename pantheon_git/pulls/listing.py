"""Looking at PRs: all of them, one in full, its diff, its branch in the work tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict

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
    """PRs in these states, oldest night first; None: all of them. Reads the ledger only."""
    settled = all_meta(desk.git, desk.objects)
    tips = read_refs(desk.git, PRS)
    found = []
    for night in nights(desk.git, desk.objects):
        if not night.endings.get("pr"):
            continue
        for entry in jobs(desk.git, desk.objects, night.night):
            if entry.ending == "pr":
                pull = _pull(entry, settled.get(entry.job), tips.get(PRS + entry.job))
                if states is None or pull.state in states:
                    found.append(pull)
    return found


def open_pulls(desk: Desk) -> list[Pull]:
    """The PRs that wait for a person.

    One that is in its target already (a person typed `git merge`, or `pr merge` died before it could say so) is
    recorded as merged first. A second call finds nothing to do.
    """
    found = []
    for pull in list_pulls(desk):
        merge = _merged_by_hand(desk, pull)
        if merge is None:
            found.append(pull)
            continue
        event = Event("merged", desk.who, "found in the target", merge)
        add_event(desk.git, desk.objects, desk.key, desk.entry(pull.job), event)
    return found


def _merged_by_hand(desk: Desk, pull: Pull) -> str | None:
    """The oldest commit of the target's own line that has the PR's commit behind it."""
    if not desk.objects.has(pull.commit) or read_ref(desk.git, pull.target) is None:
        return None
    if desk.git.run("merge-base", "--is-ancestor", pull.commit, pull.target, check=False).code:
        return None
    spans = f"{pull.commit}..{pull.target}"
    line = desk.git.text("rev-list", "--first-parent", "--ancestry-path", "--reverse", spans, "--").split()
    return line[0] if line else pull.commit


def show(desk: Desk, name: str) -> PullView:
    """One PR in full: what was asked, what each node said, who wrote what, and whether it would merge now."""
    entry = desk.entry(name)
    meta = read_meta(desk.git, desk.objects, entry.job)
    tip = read_ref(desk.git, PRS + entry.job)
    pull = _pull(entry, meta, tip)
    target_tip = read_ref(desk.git, pull.target)
    faults, key_id = _faults(desk, entry, tip, pull.state in OPEN)
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
        signed=key_id,
        faults=faults,
        findings=findings,
        target_tip=target_tip,
        behind=int(desk.git.text("rev-list", "--count", f"{pull.base}..{target_tip}")) if target_tip else 0,
        events=[asdict(event) for event in meta.events] if meta else [],
        next=_next(pull, faults, findings),
    )


def _faults(desk: Desk, entry: JobEntry, tip: str | None, waiting: bool) -> tuple[list[str], str]:
    try:
        check_entry(desk.objects, desk.keys, entry)
        if waiting:
            check_branch(entry, tip)
    except TamperedError as error:
        return [f"TAMPERED: {error.message}"], ""
    except PantheonError as error:
        return [error.message], ""
    return [], entry.key_id


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
    pull = _pull(entry := desk.entry(name), None, read_ref(desk.git, PRS + entry.job))
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
    return _pull(entry, read_meta(desk.git, desk.objects, entry.job), read_ref(desk.git, PRS + entry.job))


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
