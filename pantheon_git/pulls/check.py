"""Before a person acts on a PR: its entry, its nodes, its commit and its branch are what the night signed."""

from __future__ import annotations

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse
from pantheon_git.ledger.commit import check_commit
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.layout import PRS
from pantheon_git.ledger.statement import JOB, read, sha256
from pantheon_git.ledger.trust import NIGHT, TrustedKeys
from pantheon_git.repo.objects import Objects


def check_entry(objects: Objects, keys: TrustedKeys, entry: JobEntry) -> str:
    """The oid of the job's commit, if a trusted night key signed the entry, the entry names exactly these nodes, and
    the commit is the one that it names, with its tree and parent. TamperedError names the first thing that is wrong."""
    said = read(dsse.verify(entry.signed.envelope.to_bytes(), keys), JOB)
    named = {node["folder"]: node["envelope"] for node in said["nodes"]}
    found = {node.folder: sha256(node.signed.envelope.to_bytes()) for node in entry.nodes}
    if named != found:
        wrong = sorted(folder for folder in named.keys() | found.keys() if named.get(folder) != found.get(folder))
        raise TamperedError(f"{entry.job}: the nodes are not those that were signed: {', '.join(wrong)}")
    oid = said["commit"]
    if oid is None:
        raise PantheonError(f"{entry.job} has no commit: nothing was to be done", f"pantheon-git trace {entry.job}")
    try:
        commit = check_commit(objects, oid, keys, NIGHT)
    except TamperedError as error:
        raise TamperedError(f"{entry.job}: commit {oid[:12]}: {error.message}") from error
    if commit.tree != said["tree"] or commit.parents != (said["base"],):
        raise TamperedError(f"{entry.job}: commit {oid[:12]} has not the tree and parent that were signed")
    return str(oid)


def check_branch(entry: JobEntry, tip: str | None) -> None:
    """The branch is where the night left it. Anything else was never judged, so it is refused, whoever did it."""
    branch = PRS.removeprefix("refs/heads/") + entry.job
    if tip is None:
        raise PantheonError(f"the branch {branch} is gone", f"git branch {branch} {entry.commit}")
    if tip != entry.commit:
        raise PantheonError(
            f"{branch} was moved to {tip[:12]}; reviewers and gate passed {str(entry.commit)[:12]} and nothing else",
            f"git branch -f {branch} {entry.commit}, or merge your own commits by hand: git merge {branch}",
        )
