"""Title candidates, best first: the document's own heading, else the file's name said in the document's words.

A learned chooser is not needed here: the order below is the order of how often each was what a person wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pantheon_git.tools.frontmatter import forms
from pantheon_git.tools.frontmatter.language import CJK
from pantheon_git.tools.frontmatter.prose import Prose, sentences
from pantheon_git.tools.frontmatter.safe import tamed, why_unsafe
from pantheon_git.tools.frontmatter.schema import Schema, in_case, places
from pantheon_git.tools.frontmatter.words import bag, content_stems

LIMIT = 120
_PLAIN = Schema()
SHORTEST_PARTED = 6
"""Letters that a word must have to be looked for in parts: short ones are found in anything."""
_INDEX = {"index", "_index", "readme"}
_SYNONYMS = ("linktitle", "linkTitle", "name", "heading", "short_title", "nav_title", "sidebar_label")
_PACKAGES = re.compile(r"integration|package|plugin|adapter|module|librar|reference|extension|api\b", re.IGNORECASE)
_DATE = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}-")
_ORDER = re.compile(r"^\d{1,3}[-_. ]+(?=[^\W\d])")
_NUMBER = re.compile(r"^\d{1,3}(?:\.\d{1,3})*[.)][ ]+(?=[^\W\d])")
_TAIL = re.compile(
    r",? (?:so that|that|which|while|in order|because|when|where|if|by|and then|as well as|providing|allowing|in just"
    r"|in a few|step by step)\b.*$|[,;:(] .*$"
)
_SMALL = bag("a an the and or of to in on at for with from by as is via vs into per und de la le part")
_GENERIC = re.compile(
    r"^(?:introduction|overview|objectives?|prerequisites?|before you begin|costs?|getting started|usage|examples?"
    r"|summary|installation|setup|what you['’]ll|contents|table of contents|about|background|next steps|what['’]s next"
    r"|requirements|description|official resources|how it works)\b",
    re.IGNORECASE,
)


def candidates(
    prose: Prose, path: str, values: Mapping[str, Any], language: str = "en", schema: Schema = _PLAIN
) -> list[str]:
    """At least one, unless the file's name and the text are both without a word."""
    own = in_template(schema.templates.get("title", ""), path, prose)
    found = [
        *([prose.exported] if prose.exported else []),
        *_of_heading(prose),
        *([own] if own else []),
        *(value for key in _SYNONYMS if isinstance(value := values.get(key), str)),
    ]
    slug = slug_of(path)
    start = len(found)
    if slug and (language in CJK or language == "ru"):
        found += _topic(prose, slug, path)
    elif slug:
        found += _of_slug(slug, path, prose, language)
    elif language == "en":
        found += [phrase for _, phrase in _told(prose, set())]
    found[start:] = [in_case(text, schema.case) for text in found[start:]]
    specific = [text for _, text in prose.headings[:6] if not _GENERIC.search(text)]
    found += [*specific[:3], *(text for _, text in prose.headings[:2])]
    clean = (tidy(text) for text in sorted(found, key=lambda text: bool(why_unsafe(" ".join(text.split())))))
    return list(dict.fromkeys(text for text in clean if text and any(c.isalnum() for c in text)))


def in_template(template: str, path: str, prose: Prose) -> str:
    """The folder's own wording (`{} & Boats`) around this document's name; empty where there is none."""
    if template == "{stem}":
        return places(path)["stem"]
    slug = slug_of(path)
    return template.replace("{}", in_words(slug, prose)) if template and slug else ""


def tidy(text: str) -> str:
    """One line without a trailing mark, without markup, and not longer than a title."""
    line = tamed(text).rstrip(" :;,.").strip()
    return line if len(line) <= LIMIT else line[:LIMIT].rpartition(" ")[0]


def _of_heading(prose: Prose) -> list[str]:
    """The one level-1 heading, if it comes first; several are parts of the text and no title."""
    top = [_bare(text) for level, text in prose.headings if level == 1]
    alone = len(top) == 1 and prose.headings[0][0] == 1
    return top if alone and (prose.opening == "heading" or not _GENERIC.search(top[0])) else []


def _bare(heading: str) -> str:
    """Without a number in front (`2. Install`), and without pictures at its ends."""
    words = heading.split()
    while len(words) > 1 and _is_picture(words[0]):
        words = words[1:]
    while len(words) > 1 and _is_picture(words[-1]):
        words = words[:-1]
    return _NUMBER.sub("", " ".join(words)) or heading


def _is_picture(word: str) -> bool:
    return all(unicodedata.category(char) in ("So", "Sk", "Mn", "Cf", "Me") for char in word)


def slug_of(path: str) -> str:
    """The part of the path that names the document; empty where it is a bare number."""
    pure = PurePosixPath(path)
    names = [pure.name.split(".")[0] if pure.suffix else pure.name, *reversed(pure.parent.parts)]
    for at, part in enumerate(names):
        name = _ORDER.sub("", _DATE.sub("", part))
        if name.casefold() in _INDEX:
            continue
        if re.fullmatch(r"v\d[\d._-]*", name) and at + 1 < len(names):
            return f"{names[at + 1]}-{name}"
        return "" if re.fullmatch(r"[\d._-]*", name) else name
    return ""


def _of_slug(slug: str, path: str, prose: Prose, language: str) -> Iterator[str]:
    qualified = _qualified(slug, PurePosixPath(path), prose)
    if qualified:
        yield qualified
    said = in_words(slug, prose)
    if language == "en":
        topic = content_stems(said)
        told = sorted(_told(prose, topic), reverse=True)
        yield from (phrase for share, phrase in told if share > 0.6 and len(topic) > 1)
        yield said
        yield from (phrase for share, phrase in told if share <= 0.6 or len(topic) <= 1)
        return
    yield from _cognate(slug, prose)
    yield said


def _told(prose: Prose, topic: set[str]) -> Iterator[tuple[float, str]]:
    """What the first sentences say that the reader will do: (share of the topic's words in it, phrase)."""
    known = set(re.findall(r"[a-z]+", prose.text.casefold()))
    early = [s for paragraph in prose.paragraphs[:4] for s in sentences(paragraph)[:3]]
    for sentence in early[:8]:
        bare = re.sub(r"\s*\([^()]*\)", "", sentence)
        for rule, said in forms.english(bare, known, 0):
            if rule in ("learn", "can", "do"):
                phrase = _shorter(said.removeprefix("Learn how to "))
                share = len(topic & content_stems(phrase)) / len(topic) if topic else 0.5
                yield share - max(0, len(phrase.split()) - 9) * 0.05, phrase[:1].upper() + phrase[1:]


def _shorter(phrase: str) -> str:
    cut = _TAIL.sub("", phrase.rstrip(" .:!"))
    return cut if len(cut.split()) > 2 else phrase


def _qualified(slug: str, path: PurePosixPath, prose: Prose) -> str:
    """The slug as code names it: `strings.Trim` in a folder `strings`, `@scope/name` among packages.

    Functions are named with what they stand in, methods without: what a method is called on is another document.
    """
    parents = path.parent.parts
    folder = next((part for part in reversed(parents) if part != slug), "")
    camel = re.search(r"[A-Z]", slug) is not None
    if camel and {"methods", "method"} & set(parents):
        return ""
    if camel and {"functions", "function"} & set(parents[:-1]):
        return f"{folder}.{slug}"
    dotted = f"{folder}.{slug}"
    if re.search(rf"(?<![\w.$]){re.escape(dotted)}\b", prose.text):
        return dotted
    if any(_PACKAGES.search(part) for part in parents):
        scoped = Counter(re.findall(rf"@[\w-]+/{re.escape(slug)}(?![\w/-])", prose.text))
        return next((name for name, number in scoped.most_common(1) if number > 1), "")
    return ""


def in_words(slug: str, prose: Prose) -> str:
    """The slug's words in the spelling that the document gives them, in sentence case."""
    if re.search(r"[a-z][A-Z]", slug):
        return slug
    slug = re.sub(r"(?<=\d)[-_](?=\d)", ".", slug)
    said = " ".join(_spelled([w for w in re.split(r"[-_ ]+", slug) if w], prose))
    return said[:1].upper() + said[1:] if said[1:2] == said[1:2].lower() else said


def _spelled(words: list[str], prose: Prose) -> Iterator[str]:
    """Runs of words as the prose writes them (`compute engine` → `Compute Engine`, `expressjs` → `Express.js`), the
    longest run first."""
    text = prose.running
    while words:
        if name := _parted(words[0], text):
            yield name
            words = words[1:]
            continue
        length = min(4, len(words))
        while length > 1 and not _spellings(words[:length], text):
            length -= 1
        counts = _spellings(words[:length], text) or _spellings(words[:length], prose.text)
        small = length == 1 and words[0].casefold() in _SMALL
        yield words[0] if small or not counts else counts.most_common(1)[0][0]
        words = words[length:]


def _parted(word: str, text: str) -> str:
    """A name that the file's name writes as one word and the prose in parts; empty where the prose has the one word."""
    if len(word) < SHORTEST_PARTED or not word.isalpha():
        return ""
    alone = _spellings([word], text).most_common(1)
    if alone and not alone[0][0].islower():
        return ""
    pattern = r"[ .-]?".join(map(re.escape, word))
    found = re.findall(rf"(?<![\w/.@-]){pattern}(?![\w/-])", text, re.IGNORECASE)
    names = Counter(name for name in found if name[:1].isupper() and re.search(r"[ .-]", name))
    return names.most_common(1)[0][0] if names else ""


def _spellings(run: list[str], text: str) -> Counter[str]:
    pattern = r"[ -]".join(map(re.escape, run))
    found = re.findall(rf"(?<![\w/-]){pattern}(?![\w/-])", text, re.IGNORECASE)
    return Counter(spelling for spelling in found if spelling.count("-") < 2 or spelling != spelling.lower())


def _cognate(slug: str, prose: Prose) -> Iterator[str]:
    """The document's own word for a one-word slug (`actions` → `Acciones`)."""
    if re.search(r"[-_ ]", slug) or re.search(rf"\b{re.escape(slug)}\b", " ".join(prose.paragraphs[:3]), re.IGNORECASE):
        return
    import difflib  # the host inside the jail loads this module for every job

    counts = Counter(re.findall(r"[^\W\d_]{4,}", prose.running.casefold()))
    alike = difflib.SequenceMatcher(b=slug.casefold())
    near = []
    for word, number in counts.items():
        alike.set_seq1(word)
        if number > 2 and alike.ratio() > 0.74:
            near.append((number, word))
    if near:
        word = max(near)[1]
        yield word[:1].upper() + word[1:]


def _topic(prose: Prose, slug: str, path: str) -> Iterator[str]:
    """For scripts that the slug cannot be said in: the term that headings and opening share most; names stay names."""
    qualified = _qualified(slug, PurePosixPath(path), prose)
    opening = " ".join(prose.paragraphs[:2])
    said = in_words(slug, prose)
    if qualified:
        yield qualified
    elif said.casefold() in opening.casefold():
        yield said
    headings = " ".join(text for _, text in prose.headings)
    counts: Counter[str] = Counter()
    for run in re.findall(r"[\u30a0-\u30ff]{3,}|[\u4e00-\u9fff]{2,8}|[\uac00-\ud7af]{2,}|[\u0400-\u04ff]{4,}", opening):
        han = "\u4e00" <= run[0] <= "\u9fff"  # written without blanks: any piece may be the term
        pieces = {run[i : i + n] for n in (2, 3, 4) for i in range(len(run))} if han else {run}
        for piece in pieces:
            if len(piece) > 1 and piece in headings:
                counts[piece] = headings.count(piece) * 3 + opening.count(piece) + len(piece)
    yield from (term for term, _ in counts.most_common(2))
    yield said
