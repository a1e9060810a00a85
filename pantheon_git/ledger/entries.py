"""Entries of the ledger as readers see them: a job and its nodes, every field from a signed statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pantheon_git.errors import PantheonError
from pantheon_git.ledger.layout import JOB_FILE, JobFolder, find_signed, read_folder, ref_of
from pantheon_git.ledger.lines import Signed
from pantheon_git.ledger.records import JobContext
from pantheon_git.ledger.statement import JOB, context_of, node_folder, sha256
from pantheon_git.repo.objects import Objects


@dataclass(frozen=True)
class NodeEntry:
    """One node's signed statement."""

    signed: Signed

    @property
    def predicate(self) -> Mapping[str, Any]:
        return self.signed.predicate

    @property
    def index(self) -> int:
        return int(self.predicate["node"]["index"])

    @property
    def name(self) -> str:
        return str(self.predicate["node"]["name"])

    @property
    def uses(self) -> str:
        return str(self.predicate["node"]["uses"])

    @property
    def kind(self) -> str:
        """`agent`, `review` or `check`."""
        return str(self.predicate["node"]["kind"])

    @property
    def folder(self) -> str:
        return node_folder(self.index, self.name)

    @property
    def verdict(self) -> str:
        return str(self.predicate["verdict"])

    @property
    def reason(self) -> str:
        return str(self.predicate["reason"])

    @property
    def started(self) -> float:
        """Seconds since the epoch."""
        return float(self.predicate["started"])

    @property
    def seconds(self) -> float:
        return float(self.predicate["seconds"])

    @property
    def tries(self) -> int:
        return int(self.predicate["tries"])

    @property
    def details(self) -> Mapping[str, Any]:
        """What the runner gave as `NodeResult.predicate`: agent, model, prompt digest, limits, authorship, tokens."""
        found: Mapping[str, Any] = self.predicate["details"]
        return found

    @property
    def files(self) -> dict[str, str]:
        """Artifact file → sha256."""
        return {name: digest["sha256"] for name, digest in self.predicate["subject"].items() if "sha256" in digest}

    @property
    def artifact_tree(self) -> str:
        return str(self.predicate["subject"]["artifact"]["gitTree"])

    @property
    def key_id(self) -> str:
        return self.signed.envelope.key_id


@dataclass(frozen=True)
class JobEntry:
    """One job's signed statement; its nodes are read when asked for."""

    signed: Signed
    _objects: Objects
    _folder: JobFolder

    @property
    def predicate(self) -> Mapping[str, Any]:
        return self.signed.predicate

    @cached_property
    def context(self) -> JobContext:
        return context_of(self.predicate)

    @property
    def job(self) -> str:
        return self.context.job

    @property
    def night(self) -> str:
        return self.context.night

    @property
    def task(self) -> str:
        return self.context.task

    @property
    def ending(self) -> str:
        return str(self.predicate["ending"])

    @property
    def reason(self) -> str:
        return str(self.predicate["reason"])

    @property
    def stopped_at(self) -> str | None:
        found: str | None = self.predicate["stopped_at"]
        return found

    @property
    def title(self) -> str:
        return str(self.predicate["title"])

    @property
    def started(self) -> float:
        """Seconds since the epoch."""
        return float(self.predicate["started"])

    @property
    def seconds(self) -> float:
        return float(self.predicate["seconds"])

    @property
    def summary(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.predicate["summary"]
        return found

    @property
    def tree(self) -> str:
        return str(self.predicate["tree"])

    @property
    def commit(self) -> str | None:
        """The job's commit; None where nothing was to be done."""
        found: str | None = self.predicate["commit"]
        return found

    @property
    def ref(self) -> str | None:
        """The branch of a PR or the breadcrumb's ref, as written by the night; it may be gone since."""
        return ref_of(self.job, self.ending)

    @property
    def sha256(self) -> str:
        """Of the signed payload: names this entry."""
        return sha256(self.signed.envelope.payload)

    @property
    def key_id(self) -> str:
        return self.signed.envelope.key_id

    @cached_property
    def nodes(self) -> list[NodeEntry]:
        """In the flow's order."""
        return [NodeEntry(node) for node in read_folder(self._objects, self._folder)[1]]

    def node(self, name: str) -> NodeEntry:
        """The node of that name. PantheonError, naming those there are, when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes) or "it has none"
        raise PantheonError(f"{self.job} has no node {name}: {known}", f"pantheon-git trace {self.job}")


def read_entry(objects: Objects, folder: JobFolder) -> JobEntry | None:
    """The entry in a job's folder; None where the folder holds no job."""
    signed = find_signed(objects, folder.tree, JOB_FILE, JOB)
    return JobEntry(signed, objects, folder) if signed is not None else None
