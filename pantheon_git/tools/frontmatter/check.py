"""`frontmatter.check`: what is wrong with a document's front matter, judged from its bytes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pantheon_git.tools.frontmatter import edit, ground, tags, yamltext
from pantheon_git.tools.frontmatter.document import WRITABLE, Document, parse
from pantheon_git.tools.frontmatter.draft import make
from pantheon_git.tools.frontmatter.schema import FIELDS
from pantheon_git.tools.protocol import Workspace


def problems(workspace: Workspace, path: str, raw: bytes, before: bytes | None) -> list[str]:
    """Every fault, in plain words; empty: all is well. ToolError("refused") where the file is not a document."""
    doc = parse(raw)
    if doc.kind not in ("yaml", "toml", "json"):
        return [doc.reason or "there is no front matter"]
    old = parse(before) if before is not None else None
    found = [f"front matter: {repair}" for repair in doc.repairs]
    draft = make(workspace, path, raw)
    if old is not None:
        found += _changed(old, doc, draft.schema.missing(old.values, path, draft.title))
    was = old.values if old is not None and old.kind in WRITABLE else {}
    for name in draft.wanted():
        value, old_value = doc.values.get(name), was.get(name)
        same = value == (old_value.text if isinstance(old_value, yamltext.Scalar) else old_value)
        if not same or not value:
            found += [f"{name}: {fault}" for fault in _faults(name, value, draft)]
    return found


def _faults(name: str, value: Any, draft: Any) -> list[str]:
    if name == "tags":
        return _tag_faults(value, draft)
    if not isinstance(value, str) or not value.strip():
        return ["missing or not text"]
    if name == "title":
        if value in draft.titles:
            return []
        return ground.title_faults(value, draft.prose, draft.path, draft.language)
    faults = ground.description_faults(value, draft.prose, draft.language)
    if faults and not draft.long_descriptions:
        return ground.description_faults(value, draft.prose, draft.language, shortest=ground.SHORT)
    return faults


def _tag_faults(value: Any, draft: Any) -> list[str]:
    if not isinstance(value, list):
        return [] if value is None and not draft.chosen else ["not a list"]
    spelled = {name for name, _ in (*draft.vocabulary, *draft.in_use)}
    odd = [t for t in value if not isinstance(t, str) or (t not in spelled and t != tags.kebab(t))]
    found = [f"{tag!r} is not kebab-case" for tag in odd]
    if len(value) > tags.MOST:
        found.append(f"{len(value)} tags; at most {tags.MOST}")
    if len(set(map(str, value))) != len(value):
        found.append("a tag appears twice")
    return found


def _changed(old: Document, new: Document, extras: Mapping[str, Any]) -> list[str]:
    """What differs beside title, description and tags: nothing may, but keys of the repository's schema are new."""
    found = []
    body = new.body
    if old.kind in ("none", "rule") and body != old.body:
        body = body.removeprefix(old.eol)
    if body != old.body and not (old.kind == "json" and body.removeprefix(old.eol) == old.body):
        found.append("the body is not what it was")
    if old.kind not in WRITABLE:
        return [*found, f"it was not to be touched: {old.reason}"]
    before, after = edit.plain(old.values), edit.plain(new.values)
    found += [f"the key {key!r} is lost" for key in before if key not in after]
    for key in before:
        if key in after and key not in FIELDS and after[key] != before[key]:
            found.append(f"the key {key!r} has another value")
    found += [f"the key {key!r} was added" for key in after if key not in before and key not in FIELDS
              and after[key] != extras.get(key)]  # fmt: skip
    kept = [k for k in FIELDS if isinstance(before.get(k), str) and before[k].strip() and k != "tags"]
    found += [f"the existing {key} was overwritten" for key in kept if after.get(key) != before[key]]
    return found
