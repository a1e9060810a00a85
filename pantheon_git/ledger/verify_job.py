"""Verification of one job: envelopes, chain, artifacts, commit, refs, note and metadata are what was signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger import dsse
from pantheon_git.ledger.commit import check_commit, committed_at
from pantheon_git.ledger.layout import ARTIFACTS, FAILED, JOB_FILE, META, PRS, RUNS, STATEMENT_FILE, JobFolder, job_path
from pantheon_git.ledger.lines import Signed, job_note
from pantheon_git.ledger.meta import META_FILE, Meta, parse
from pantheon_git.ledger.notes import REF, read_note
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import JOB, NODE, Json, context_of, node_folder, read, sha256
from pantheon_git.ledger.trust import NIGHT, PERSON, TrustedKeys
from pantheon_git.ledger.verdict import at, require
from pantheon_git.repo.objects import FILE, FOLDER, Commit, Entry, Objects


@dataclass(frozen=True)
class Ground:
    """What all jobs are checked against."""

    objects: Objects
    keys: TrustedKeys
    refs: Mapping[str, str]
    """Every ref of the repository."""
    notes: str | None
    """The notes tree."""
    twins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Job that several nights have an entry of (two machines ran the same task) → commits and sha256 of all entries."""


@dataclass(frozen=True)
class NightGround:
    """What all jobs of a night are checked against."""

    night: str
    contexts: Mapping[str, JobContext]
    """As the night was opened."""
    artifacts: str | None
    """The tree of artifacts; None when it is not here."""
    unfinished: frozenset[str] = frozenset()
    """Jobs whose group may be half written: the last one of a night that has no close."""


@dataclass(frozen=True)
class Verified:
    """A job about which everything is what was signed."""

    job: Signed
    note: bytes
    """The lines that it owes to the note on its commit; empty without one."""


def verify_job(ground: Ground, night: NightGround, folder: JobFolder) -> Verified:
    """The job, if everything about the job is what was signed; else a Fault at the first wrong thing."""
    place = f"{RUNS}{night.night}:{job_path(folder.job).decode()}"
    job = _job(ground, night, folder, place)
    nodes = _nodes(ground, job, folder, place)
    _chain(job, nodes, place)
    _artifacts(ground, night, job, nodes)
    _commit(ground, job)
    _refs(ground, job)
    own = _note(ground, night, job, nodes)
    _meta(ground, job)
    return Verified(job, own)


def missing(night: NightGround, job: str, what: str) -> PantheonError:
    """What is not there was taken away; but the last group of a night without a close may not be written whole."""
    if job in night.unfinished:
        return PantheonError(f"{what} is not there yet: the night runs, or was cut off", "pantheon-git run")
    return TamperedError(f"{what} is gone")


def open_signed(ground: Ground, data: bytes, kind: str, when: str) -> Signed:
    """Verify an envelope, then parse those very bytes. `when`: the field that says when it was signed."""
    envelope = dsse.verified(data, ground.keys)
    signed = Signed(read(envelope.payload, kind), envelope)
    ground.keys.require(signed.envelope.key_id, NIGHT, float(signed.predicate[when]))
    return signed


def _job(ground: Ground, night: NightGround, folder: JobFolder, place: str) -> Signed:
    with at(place, folder.tree):
        entries = {entry.name: entry for entry in ground.objects.tree(folder.tree)}
    with at(f"{place}/job.json", entries[JOB_FILE].oid if JOB_FILE in entries else None):
        require(JOB_FILE in entries, "the entry of this job is gone")
        job = open_signed(ground, ground.objects.blob(entries[JOB_FILE].oid), JOB, "started")
        said = job.predicate
        require(said["night"] == night.night and said["job"] == folder.job, "the entry of another job, replayed here")
        require(night.contexts.get(folder.job) == context_of(said), "not what the night set out to do")
        require(said["subject"]["tree"] == {"gitTree": said["tree"]}, "two trees for one job")
        commit = {"gitCommit": said["commit"]} if said["commit"] else None
        require(said["subject"].get("commit") == commit, "two commits for one job")
    with at(place, folder.tree):
        named = {node["folder"].encode() for node in said["nodes"]} | {JOB_FILE}
    for name in sorted(named ^ entries.keys()):
        with at(f"{place}/{name.decode('utf-8', 'backslashreplace')}", folder.tree):
            raise TamperedError("is gone" if name in named else "was added")
    return job


def _nodes(ground: Ground, job: Signed, folder: JobFolder, place: str) -> list[Signed]:
    return [_node(ground, job, folder, place, named) for named in job.predicate["nodes"]]


def _node(ground: Ground, job: Signed, folder: JobFolder, place: str, named: Json) -> Signed:
    name = named["folder"].encode()
    with at(f"{place}/{named['folder']}", folder.tree):
        entry = ground.objects.find(folder.tree, name + b"/" + STATEMENT_FILE)
    with at(f"{place}/{named['folder']}/statement.json", entry.oid if entry else None):
        if entry is None:
            raise TamperedError("the node's statement is gone")
        above = ground.objects.find(folder.tree, name)
        require(above is not None and len(ground.objects.tree(above.oid)) == 1, "a file was added beside it")
        data = ground.objects.blob(entry.oid)
        node = open_signed(ground, data, NODE, "started")
        said = node.predicate
        own = node_folder(said["node"]["index"], said["node"]["name"])
        require(context_of(said) == context_of(job.predicate) and own == named["folder"], "another node, replayed here")
        require(sha256(data) == named["envelope"], "not the statement that the job names")
        require(sha256(node.envelope.payload) == named["statement"], "not the payload that the job names")
    return node


def _chain(job: Signed, nodes: list[Signed], place: str) -> None:
    with at(f"{place}/job.json"):
        last = None
        for node in nodes:
            require(node.predicate["previous"] == last, "its nodes do not follow one another as they were signed")
            last = sha256(node.envelope.payload)
        require(job.predicate["previous"] == last, "the last of its nodes is not the one that the job names")


def _artifacts(ground: Ground, night: NightGround, job: Signed, nodes: list[Signed]) -> None:
    path = job_path(job.predicate["job"])
    place = f"{ARTIFACTS}{night.night}:{path.decode()}"
    with at(place):
        if night.artifacts is None:
            if nodes:
                raise PantheonError("the artifacts are not here: not fetched, or their ref was removed")
            return
        folder = ground.objects.find(night.artifacts, path)
        found = {entry.name.decode(): entry for entry in ground.objects.tree(folder.oid)} if folder else {}
        folders = [node["folder"] for node in job.predicate["nodes"]]
        require(found.keys() <= set(folders), "artifacts of a node that nobody signed")
    for name, node in zip(folders, nodes, strict=True):
        _artifact(ground, night, f"{place}/{name}", found.get(name), node)


def _artifact(ground: Ground, night: NightGround, place: str, found: Entry | None, node: Signed) -> None:
    subject = dict(node.predicate["subject"])
    tree = subject.pop("artifact")["gitTree"]
    with at(place, found.oid if found else None):
        if found is None:
            raise missing(night, node.predicate["job"], "the artifact")
        require(found.mode == FOLDER, "not an artifact's folder")
        entries = {entry.name.decode(): entry for entry in ground.objects.tree(found.oid)}
    for file in sorted(entries.keys() | subject.keys()):
        entry = entries.get(file)
        with at(f"{place}/{file}", entry.oid if entry else None):
            if entry is None:
                raise TamperedError("the file is gone")
            require(file in subject and entry.mode == FILE, "not a file that was signed")
            digest = {"sha256": ground.objects.sha256(entry.oid)}
            require(digest == subject[file], "its sha256 is not the one that was signed")
    with at(place, found.oid):
        require(found.oid == tree, "not the tree that was signed")


def _commit(ground: Ground, job: Signed) -> None:
    said = job.predicate
    if said["commit"] is None:
        with at(f"{RUNS}{said['night']}:{job_path(said['job']).decode()}/job.json"):
            require(said["ending"] == "unchanged", "no commit, but something was changed")
        return
    with at(f"commit of {said['job']}", said["commit"]):
        commit = check_commit(ground.objects, said["commit"], ground.keys, NIGHT)
        require(commit.tree == said["tree"], "its tree is not the one that was signed")
        require(commit.parents == (said["base"],), "its parent is not the base commit that was signed")


def _refs(ground: Ground, job: Signed) -> None:
    """A ref that is gone is no fault: the night's chain keeps the commit. One that points elsewhere is."""
    name, commit = job.predicate["job"], job.predicate["commit"]
    for ref in (PRS + name, FAILED + name, remote_branch(name)):
        now = ground.refs.get(ref)
        with at(ref, now):
            require(now in (None, commit, *ground.twins.get(name, ())), f"moved: it was {commit} that was signed")


def remote_branch(job: str) -> str:
    """The remote-tracking branch of a PR, in a clone that was made with plain `git clone`."""
    return f"refs/remotes/origin/{PRS.removeprefix('refs/heads/')}{job}"


def _note(ground: Ground, night: NightGround, job: Signed, nodes: list[Signed]) -> bytes:
    """Its own lines only: the commit may have become the base of a later night, whose lines are checked with that."""
    said = job.predicate
    if said["commit"] is None:
        return b""
    with at(f"{REF}:{said['commit']}", said["commit"]):
        found = read_note(ground.objects, ground.notes, said["commit"]) if ground.notes else None
        if found is None:
            raise missing(night, said["job"], "the note of this job")
        text, prefix = job_note(job, nodes), own_prefix(said["night"], said["job"])
        own = b"".join(line for line in found.splitlines(keepends=True) if line.startswith(prefix))
        require(own == text, "the note is not what the signed statements say")
    return text


def own_prefix(night: str, job: str) -> bytes:
    """How the lines of a job's own note begin."""
    return f"{night} {job} ".encode()


def _meta(ground: Ground, job: Signed) -> None:
    """The whole chain, from its tip to its first commit: each adds one event and is signed by a person."""
    name = job.predicate["job"]
    ref, entry = META + name, sha256(job.envelope.payload)
    oid, later = ground.refs.get(ref), None
    after: list[str] = []
    while oid is not None:
        after.append(oid)
        with at(f"{ref}:meta.json", oid):
            commit = check_commit(ground.objects, oid, ground.keys.at(ref, after.__contains__), PERSON)
            meta = _metadata(ground, commit)
            if meta.entry != entry and meta.entry in ground.twins.get(name, ()):
                return  # that of the other night's entry, whose verdict tells of it
            own, said = (meta.job, meta.night, meta.entry, meta.commit, meta.ending), job.predicate
            same = own == (name, said["night"], entry, said["commit"], said["ending"])
            require(same, "the metadata of another job, replayed here")
            _event(meta, commit, later)
        later, oid = meta, commit.parents[0] if commit.parents else None


def _metadata(ground: Ground, commit: Commit) -> Meta:
    found = ground.objects.tree(commit.tree)
    require(len(found) == 1 and found[0].name == META_FILE, "not metadata, or more than that")
    return parse(ground.objects.blob(found[0].oid))


def _event(meta: Meta, commit: Commit, later: Meta | None) -> None:
    """The commit adds the metadata's last event, and the one after it one more."""
    require(bool(meta.events), "metadata without an event")
    require(int(meta.events[-1].when) == committed_at(commit), "the event is not from when it was signed")
    require(later is None or later.events[:-1] == meta.events, "events were taken out or put in")
    require(len(meta.events) > 1 or not commit.parents, "more commits than events")
    require(len(meta.events) == 1 or len(commit.parents) == 1, "fewer commits than events")
