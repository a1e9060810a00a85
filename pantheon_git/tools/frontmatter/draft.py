"""One document, read and drafted: what it has, what it needs, the candidates, and the decision what to write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from pantheon_git.tools.files import read_bytes
from pantheon_git.tools.frontmatter import descriptions, ground, language, prose, tags, titles, yamltext
from pantheon_git.tools.frontmatter.document import SUFFIXES, WRITABLE, Document, parse
from pantheon_git.tools.frontmatter.edit import Value
from pantheon_git.tools.frontmatter.schema import FIELDS, Schema, schema_of
from pantheon_git.tools.frontmatter.tagwords import Counted, Names, Subject
from pantheon_git.tools.protocol import ToolError, Workspace


@dataclass
class Decision:
    """What is written, by whom (`kept`, `given`, `tool`, `fallback`), and why a given answer was not taken."""

    changes: dict[str, Value] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)
    authorship: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def view(self) -> dict[str, Any]:
        return {"written": self.written, "authorship": self.authorship, "reasons": self.reasons}


@dataclass
class Draft:
    doc: Document
    path: str
    params: Mapping[str, Any]
    vocabulary: list[Counted]
    in_use: list[Counted]

    @property
    def to_yaml(self) -> bool:
        return self.params.get("format") == "yaml"

    @cached_property
    def prose(self) -> prose.Prose:
        return prose.read(self.doc.body)

    @cached_property
    def language(self) -> str:
        return language.detect(self.prose.running)

    @cached_property
    def titles(self) -> list[str]:
        found = titles.candidates(self.prose, self.path, self.doc.values, self.language, self.schema)
        known = f"{self.path} {self.schema.templates.get('title', '')}"
        return [t for t in found if not ground.title_faults(t, self.prose, known, self.language)] or found[:1]

    @cached_property
    def computed(self) -> list[str]:
        found = descriptions.candidates(self.prose, self.title, self.doc.values, self.language)
        own = titles.in_template(self.schema.templates.get("description", ""), self.path, self.prose)
        said = [descriptions.in_manner(line, learn=self.schema.learn, stop=self.schema.stop) for line in found]
        return list(dict.fromkeys([own, *said] if own else said))

    @cached_property
    def long_descriptions(self) -> list[str]:
        """The computed ones that pass the gate."""
        return [d for d in self.computed if not ground.description_faults(d, self.prose, self.language)]

    @cached_property
    def descriptions(self) -> list[str]:
        """Those that pass, else (a document with few words) those that pass but for their length."""
        short = (d for d in self.computed if not self.long_descriptions)
        loose = [d for d in short if not ground.description_faults(d, self.prose, self.language, shortest=ground.SHORT)]
        return self.long_descriptions or loose

    @cached_property
    def tags(self) -> list[tuple[str, float]]:
        near = self.params.get("documents", {}).get(self.path, {}).get("near", {})
        # A closed vocabulary is what the shipped weights were fitted for; the repository's own, for the tags in use.
        own = None if self.vocabulary else self.params.get("ranker", {}).get("weights")
        return tags.rank(self.subject, Names(self.vocabulary, self.in_use, near), own or tags.WEIGHTS)

    @cached_property
    def chosen(self) -> list[str]:
        """The tags to write."""
        fewest, most = self.schema.tags or (tags.FEWEST, tags.MOST)
        most = min(most, tags.MOST)
        return tags.chosen(self.tags, min(fewest, most, tags.FEWEST), most)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.params, self.path)

    def extras(self, title: str) -> dict[str, str | yamltext.Scalar]:
        """Keys that nearly all documents of this repository have and this one lacks, where path or title give them.
        None where the task names its fields, or where the document's own front matter is not YAML."""
        if "fields" in self.params or self.doc.kind not in ("none", "rule", "yaml"):
            return {}
        return self.schema.missing(self.doc.values, self.path, title)

    @property
    def subject(self) -> Subject:
        slug = titles.slug_of(self.path)
        return Subject(self.prose, self.title, slug, self.language, self.descriptions)

    @cached_property
    def title(self) -> str:
        kept = self.doc.values.get("title")
        kept = kept.text if isinstance(kept, yamltext.Scalar) else kept
        return kept if isinstance(kept, str) and kept.strip() else next(iter(self.titles), "")

    def needs(self) -> list[str]:
        return [name for name in self.wanted() if _empty(self.doc.values.get(name))]

    def wanted(self) -> list[str]:
        """The fields that this task is about, in the order of FIELDS: those it names, else those of the schema."""
        asked = self.params.get("fields") or [name for name in FIELDS if name not in self.schema.unused]
        return [name for name in FIELDS if name in asked]

    def ask(self) -> list[str]:
        """The missing fields for which a model's words are wanted: it is worth nothing where there is nothing to read,
        and a title is asked for only where neither a heading nor the file's name gives one."""
        needs = self.needs()
        wanted = ["title"] if "title" in needs and not titles.slug_of(self.path) and not self.prose.headings else []
        if "description" in needs and self.prose.words:
            wanted.append("description")
        return wanted

    def view(self) -> dict[str, Any]:
        """The compact view for a prompt."""
        return {
            "path": self.path, "kind": self.doc.kind, "keys": list(self.doc.values), "repairs": list(self.doc.repairs),
            "needs": self.needs(), "ask": self.ask(),
            "has": {n: self.doc.values[n] for n in FIELDS if isinstance(self.doc.values.get(n), (str, list))},
            "language": self.language, "words": self.prose.words, "title": self.title, "titles": self.titles[:5],
            "headings": [text for _, text in self.prose.headings[:12]], "excerpt": prose.excerpt(self.prose),
            "description": next(iter(self.descriptions), ""), "descriptions": self.descriptions[:6],
            "tags": self.chosen, "tag_candidates": [tag for tag, _ in self.tags],
            "extras": plain_text(self.extras(self.title)),
        }  # fmt: skip

    def decide(self, given: Mapping[str, Any]) -> Decision:
        """Kept, given or computed, field by field; ToolError("refused") where a field can be neither."""
        decision = Decision()
        needs = self.needs()
        for name in self.wanted():
            old = self.doc.values.get(name)
            if name not in needs:
                self._keep(decision, name, old)
            else:
                self._fill(decision, name, given.get(name))
        extras = self.extras(decision.written.get("title", self.title))
        decision.changes.update(extras)
        decision.written.update(plain_text(extras))
        decision.authorship.update(dict.fromkeys(extras, "tool"))
        return decision

    def _keep(self, decision: Decision, name: str, old: Any) -> None:
        decision.authorship[name] = "kept"
        if isinstance(old, yamltext.Scalar) and name != "tags":
            decision.changes[name] = old.text
            decision.reasons[name] = [f"put in quotes: it reads as {old.kind}"]
        elif name == "tags" and isinstance(old, str):
            names = [part.strip() for part in old.split(",") if part.strip()]
            if "\n" in old or (len(names) == 1 and " " in names[0]):
                raise ToolError("refused", f"tags is one string that may mean one tag or several: {old!r}")
            spelled = {tags.kebab(n): n for n, _ in (*self.in_use, *self.vocabulary)}
            decision.changes[name] = list(dict.fromkeys(spelled.get(tags.kebab(n), tags.kebab(n)) for n in names))
            decision.reasons[name] = ["one string became a list"]
        elif old is not None and not isinstance(old, str if name != "tags" else (str, list)):
            raise ToolError("refused", f"{name} is neither text nor empty: {old!r}")

    def _fill(self, decision: Decision, name: str, given: Any) -> None:
        faults: list[str] = []
        value: Any = None
        if given:
            value, faults = self._gated(name, given)
        if given and value and not faults:
            decision.authorship[name] = "model"
        else:
            value = self._computed_field(name)
            decision.authorship[name] = "fallback" if given else "tool"
        if faults:
            decision.reasons[name] = faults
        if value:
            decision.changes[name] = decision.written[name] = value
        elif name != "tags":
            raise ToolError("refused", f"the document has nothing to make a {name} of")

    def _computed_field(self, name: str) -> Any:
        if name == "tags":
            return self.chosen
        return self.title if name == "title" else next(iter(self.descriptions), "")

    def _gated(self, name: str, given: Any) -> tuple[Any, list[str]]:
        if name == "tags":
            return self._gated_tags(given)
        text = str(given).strip().strip('"“”«»').strip()
        if name == "title":
            return text, ground.title_faults(text, self.prose, self.path, self.language)
        return text, ground.phrase_faults(text, self.prose, self.language)

    def _gated_tags(self, given: list[str]) -> tuple[list[str], list[str]]:
        """Known tags are taken in their own spelling, others only if the document has their words."""
        spelled = {tags.kebab(n): n for n, _ in self.vocabulary} or {n: n for n, _ in self.in_use}
        faults, taken = [], []
        for tag in given:
            key = tags.kebab(tag)
            if key in spelled:
                taken.append(spelled[key])
            elif not self.vocabulary and key and not ground.ungrounded(key.replace("-", " "), self.prose, self.title):
                taken.append(key)
            else:
                faults.append(f"{tag!r} is not a tag of this repository and not in the document")
        taken = list(dict.fromkeys(taken))[: tags.MOST]
        return taken, faults if len(taken) < tags.FEWEST else []


def make(workspace: Workspace, path: str, raw: bytes) -> Draft:
    """Read and ready; ToolError("refused") where this document must not be written to."""
    if PurePosixPath(path).suffix.lower() not in SUFFIXES:
        raise ToolError("refused", f"{path} is not a Markdown document")
    doc = parse(raw)
    if doc.kind not in WRITABLE:
        raise ToolError("refused", doc.reason)
    given = workspace.params.get("vocabulary")
    if isinstance(given, str):
        try:
            given = json.loads(read_bytes(workspace, given))
        except ValueError as error:
            raise ToolError("bad-argument", f"the vocabulary file is not JSON: {error}") from error
    in_use = tags.vocabulary_of(workspace.params.get("tags_in_use"))
    return Draft(doc, path, workspace.params, tags.vocabulary_of(given), in_use)


def plain_text(extras: Mapping[str, str | yamltext.Scalar]) -> dict[str, str]:
    return {key: value.text if isinstance(value, yamltext.Scalar) else value for key, value in extras.items()}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value == []
