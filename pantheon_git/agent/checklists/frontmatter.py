"""Front matter: nothing else of the document changed, and what the job wrote stands on what the document says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pantheon_git.agent.checklists.item import Examined, Item, Page, Whole
from pantheon_git.agent.checklists.rename import only_names
from pantheon_git.agent.view import ChangeView
from pantheon_git.tools.frontmatter import claims, ground, language, titles
from pantheon_git.tools.frontmatter.document import SUFFIXES, WRITABLE, Document, parse
from pantheon_git.tools.frontmatter.edit import plain
from pantheon_git.tools.frontmatter.prose import Prose, excerpt, read
from pantheon_git.tools.frontmatter.schema import FIELDS, Schema, schema_of
from pantheon_git.tools.protocol import ToolError

GLANCE = 900
"""Characters of text that count as the opening of a document."""
TAGS = 8
"""Tags that a document has at most: one of 61 people gave more, and a list of all that it mentions has more."""
_MATTER = ("yaml", "toml", "json")


def touched(change: ChangeView, whole: Whole) -> bool:
    """Whether front matter is what the change is about: a document whose front matter is not as it was."""
    if change.after is None or not change.path.lower().endswith(SUFFIXES):
        return False
    try:
        new, old = parse(change.after), parse(_before(change, whole))
    except ToolError:
        return True
    if new.kind not in WRITABLE:
        return True
    if (new.head, new.close) == (old.head, old.close) and only_names(str(old.inner), str(new.inner), whole):
        return False  # addresses that follow a file to its new name
    return (new.head, new.inner, new.close) != (old.head, old.inner, old.close)


def examine(change: ChangeView, whole: Whole, settings: Mapping[str, Any]) -> Examined:
    """The items for one document, and the page where there is one to weigh."""
    try:
        new, old = parse(change.after or b""), parse(_before(change, whole))
    except ToolError as error:
        return [Item("reads", False, error.message)], None
    if new.kind not in _MATTER or new.repairs:
        return [Item("reads", False, f"the front matter does not read: {new.reason or new.kind}")], None
    schema = schema_of(change.params, change.path)
    page = _page(change.path, old, new, schema)
    items = [
        *_kept(old, new),
        _added(change, old, new, schema),
        *_grounded(change, page, settings),
        *_tags(change, page, old, new),
    ]
    # The text of a renamed file is the other checklist's to compare: its links may have changed.
    return [item for item in items if item.name != "body" or change.path not in whole.moves], page


def _before(change: ChangeView, whole: Whole) -> bytes:
    moved = whole.moves.get(change.path)
    return (moved.before if moved else change.before) or b""


def _page(path: str, old: Document, new: Document, schema: Schema) -> Page:
    fresh = {name for name in ("title", "description", "tags") if plain(old.values.get(name)) != _value(new, name)}
    prose, title = read(new.body), _text(new, "title")
    words = {"title": title, "description": _text(new, "description")}
    own = _own(path, prose, old, title, schema)
    return Page(path, prose, words, frozenset(fresh), own, body=new.body)


def _own(path: str, prose: Prose, old: Document, title: str, schema: Schema) -> dict[str, str]:
    """A title is the document's own where it is what heading, file name and the document's other keys compute to: the
    reviewer computes it again from the bytes before it, and believes nobody's word for it."""
    computed = titles.candidates(prose, path, old.values, language.detect(prose.running), schema)
    return {"title": "the title is what the document's own headings and file name give"} if title in computed else {}


def _value(document: Document, name: str) -> Any:
    return plain(document.values.get(name))


def _text(document: Document, name: str) -> str:
    value = _value(document, name)
    return value if isinstance(value, str) else str(getattr(value, "text", "") or "")


def _kept(old: Document, new: Document) -> Iterator[Item]:
    same = old.body.strip() == new.body.strip()
    yield Item("body", same, "the body is as it was" if same else "the body was changed")
    lost = [key for key in old.values if key not in new.values]
    changed = [key for key, value in old.values.items()
               if key != "tags" and key in new.values and plain(value) not in (None, "", [])
               and _value(new, key) != plain(value)]  # fmt: skip
    said = "; ".join([*(f"{key} is gone" for key in lost), *(f"{key} was rewritten" for key in changed)])
    yield Item("keys", not said, said or "every key that was there is as it was")


def _added(change: ChangeView, old: Document, new: Document, schema: Schema) -> Item:
    """Keys beside title, description and tags are new only where the repository's schema gives them."""
    given = schema.missing(old.values, change.path, _text(new, "title"))
    odd = [
        key for key in new.values if key not in old.values and key not in FIELDS and new.values[key] != given.get(key)
    ]
    said = f"{', '.join(odd)} was added, and not from the repository's schema" if odd else "no key was made up"
    return Item("added", not odd, said, quote(change.patch, odd[0]) if odd else "")


def _grounded(change: ChangeView, page: Page, settings: Mapping[str, Any]) -> Iterator[Item]:
    known = re.sub(r"[\W_]+", " ", change.path)
    seen = _opening(page.prose) if settings.get("share_of") == "opening" else page.prose
    title, description = page.words["title"], page.words["description"]
    for name, text, extra in (("title", title, known), ("description", description, title)):
        if name not in page.fresh:
            continue
        if name in page.own and text.strip():
            yield Item(f"{name}-grounded", True, page.own[name], quote(change.patch, name))
            continue
        part = ground.share(text, seen, extra)
        least = float(settings[f"min_{name}_share"])
        faults = [fault for fault in ground.ungrounded(text, page.prose, extra) if _counts(fault, settings)]
        faults += _misplaced(name, text, change, page, settings)
        ok = bool(text.strip()) and part >= least and not faults
        said = "; ".join([f"{part:.0%} of its content words are in the document, {least:.0%} are asked for", *faults])
        yield Item(f"{name}-grounded", ok, said, quote(change.patch, name))


def _misplaced(name: str, text: str, change: ChangeView, page: Page, settings: Mapping[str, Any]) -> list[str]:
    """A name of the description where the document has another one (`settings.max_misplaced`, in nats; absent: not
    asked)."""
    if name != "description" or "max_misplaced" not in settings:
        return []
    known = f"{page.words['title']} {re.sub(r'[^0-9A-Za-z]+', ' ', change.path)}"
    doubt = claims.misplaced(text, claims.company(page.prose, page.body, known))
    if doubt is None or doubt.gain < float(settings["max_misplaced"]):
        return []
    return [f"{doubt.said} where the document has {doubt.other} ({doubt.gain:.1f} nats of the words beside it)"]


def _opening(prose: Prose) -> Prose:
    """The document as one sees it at a glance: its headings and the first of its text."""
    headings = "\n".join(heading for _, heading in prose.headings)
    return replace(prose, text=f"{headings}\n{excerpt(prose, GLANCE)}")


def _counts(fault: str, settings: Mapping[str, Any]) -> bool:
    return any(fault.startswith(kind) for kind in settings["inventions"])


def _tags(change: ChangeView, page: Page, old: Document, new: Document) -> Iterator[Item]:
    if "tags" not in page.fresh:
        return
    tags, evidence = _value(new, "tags"), quote(change.patch, "tags")
    words = [tag for tag in tags if isinstance(tag, str) and tag.strip()] if isinstance(tags, list) else []
    ok = (
        isinstance(tags, list)
        and len(words) == len(tags) <= TAGS
        and len({word.casefold() for word in words}) == len(words)
    )
    said = f"{len(words)} tags, none twice" if ok else f"not a list of at most {TAGS} different words"
    yield Item("tags", ok, said, evidence)
    had = plain(old.values.get("tags"))
    fresh = [tag for tag in words if not isinstance(had, list) or tag not in had]
    seen = f"{change.path} {page.words['title']} {page.body}".casefold()
    known = [tag for tag in fresh if any(word in seen for word in re.findall(r"[^\W_]{2,}", tag.casefold()))]
    said = f"of {len(known)} of {len(fresh)} new tags the document has a word, half are asked for"
    yield Item("tags-grounded", 2 * len(known) >= len(fresh), said, evidence)


def quote(patch: bytes, name: str) -> str:
    """The diff's own line for a key."""
    pattern = rb'^\+\s*"?' + name.encode() + rb'"?\s*[:=].*$'
    found = re.search(pattern, patch, re.MULTILINE)
    return found.group(0).decode("utf-8", "replace")[:300] if found else ""
