"""What people decided about a job: an append-only chain of signed commits at `refs/pantheon/meta/ID.N`.

Each commit holds one file, `meta.json`, with all events so far and one more than its parent. States follow from events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, get_args

from pantheon_git import clock
from pantheon_git.errors import PantheonError, TamperedError
from pantheon_git.ledger.commit import identity, signed_commit
from pantheon_git.ledger.entries import JobEntry
from pantheon_git.ledger.keys import Key
from pantheon_git.ledger.layout import META
from pantheon_git.ledger.redact import Redactor
from pantheon_git.ledger.statement import canonical
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import FILE, Entry, Objects
from pantheon_git.repo.refs import RefUpdate, read_ref, read_refs, update_refs
from pantheon_git.repo.writer import Writer

What = Literal["approved", "merged", "rejected", "superseded", "reopened", "comment", "requeue"]
META_FILE = b"meta.json"
_STATES: Mapping[str, str] = {"approved": "approved", "reopened": "open"} | {
    name: name for name in ("merged", "rejected", "superseded")
}


@dataclass(frozen=True)
class Event:
    """One thing that a person did."""

    what: What
    who: str
    """`Name <mail>`."""
    text: str = ""
    """The reason, or the comment."""
    merge: str | None = None
    """Oid of the commit that brought the change into the target."""
    when: float = field(default_factory=lambda: round(clock.now(), 3))


@dataclass(frozen=True)
class Meta:
    """A job's metadata."""

    job: str
    night: str
    entry: str
    """Sha256 of the job's signed statement: metadata belongs to one entry and no other."""
    commit: str | None
    ending: str
    events: tuple[Event, ...] = ()

    @property
    def state(self) -> str:
        """`open`, `approved`, `merged`, `rejected`, `superseded`; of a job that is no PR, its ending."""
        said = [_STATES[event.what] for event in self.events if event.what in _STATES]
        return said[-1] if said else "open" if self.ending == "pr" else self.ending

    @property
    def task_state(self) -> str:
        """The state in the words of `read.TaskState`."""
        words = {"open": "pr", "approved": "pr", "refused": "failed", "error": "failed"}
        return words.get(self.state, self.state)

    @property
    def requeued(self) -> bool:
        """Another attempt was asked for."""
        return any(event.what == "requeue" for event in self.events)

    @property
    def merge(self) -> str | None:
        """Oid of the commit that brought the change into the target."""
        return next((event.merge for event in reversed(self.events) if event.what == "merged"), None)

    def to_bytes(self) -> bytes:
        return canonical({"schema": 1, **asdict(self)}) + b"\n"


def parse(data: bytes) -> Meta:
    """Inverse of `Meta.to_bytes`. Raises TamperedError when a byte is not as that writes it."""
    try:
        raw = json.loads(data)
        del raw["schema"]
        events = tuple(Event(**event) for event in raw.pop("events"))
        meta = Meta(**raw, events=events)
        same = all(event.what in get_args(What) for event in events) and meta.to_bytes() == data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TamperedError(f"not metadata that can be read: {error!r}") from error
    if not same:
        raise TamperedError("the metadata is not written as it was signed")
    return meta


def read_meta(git: Git, objects: Objects, job: str) -> Meta | None:
    """The metadata of `ID.N`, not verified; None before anybody did anything."""
    tip = read_ref(git, META + job)
    return meta_at(objects, tip) if tip else None


def all_meta(git: Git, objects: Objects) -> dict[str, Meta]:
    """Job → metadata, not verified."""
    return {ref.removeprefix(META): meta_at(objects, tip) for ref, tip in read_refs(git, META).items()}


def meta_at(objects: Objects, commit: str) -> Meta:
    """The metadata that a commit of the chain holds."""
    entry = objects.find(objects.commit(commit).tree, META_FILE)
    if entry is None:
        raise PantheonError(f"commit {commit} holds no metadata", "pantheon-git verify")
    return parse(objects.blob(entry.oid))


def add_event(git: Git, objects: Objects, key: Key, entry: JobEntry, event: Event) -> Meta:
    """Sign and append one event. RefMovedError when somebody else did so meanwhile."""
    ref = META + entry.job
    event = replace(event, text=Redactor().text(event.text)[0])
    tip = read_ref(git, ref)
    meta = meta_at(objects, tip) if tip else Meta(entry.job, entry.night, entry.sha256, entry.commit, entry.ending)
    meta = replace(meta, events=(*meta.events, event))
    writer = Writer(objects)
    tree = writer.tree([Entry(FILE, META_FILE, writer.blob(meta.to_bytes()))])
    message = f"{entry.job}: {event.what}\n\n{event.text}\n\nPantheon-Job: {entry.job}"
    new = signed_commit(writer, key, tree, [tip] if tip else [], message, event.when, identity(event.who))
    with writer.flushed():
        update_refs(git, [RefUpdate(ref, new, tip)], f"pantheon-git: {entry.job} {event.what}")
    return meta
