"""Names for a document: computed from its old name, its title and first heading, and what its siblings are called."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator

from pantheon_git.tools.links.tree import PAGES

LONGEST = 50
"""Characters of a name without its suffix."""
WORDS = 6
CONVENTIONAL = frozenset({
    "README", "LICENSE", "LICENCE", "CHANGELOG", "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY", "NOTICE", "AUTHORS",
    "CONTRIBUTORS", "AGENTS", "CLAUDE", "HISTORY", "SUPPORT", "SUMMARY", "PULL_REQUEST_TEMPLATE", "ISSUE_TEMPLATE",
    "MAINTAINERS", "GOVERNANCE", "COPYING", "INSTALL", "TODO", "NEWS", "ROADMAP", "CITATION", "CODEOWNERS",
    "UPGRADING", "MIGRATION", "FAQ", "ADOPTERS", "THANKS", "CHANGES", "RELEASE", "RELEASING", "HACKING", "SKILL",
    "GEMINI", "LICENSE_MIT", "LICENSE_APACHE", "THIRD_PARTY_NOTICES",
})  # fmt: skip
"""Names that tools and people look for as they are, at any case."""
_KEBAB = re.compile(r"_?[a-z0-9]+(?:[-.][a-z0-9]+)*")
_PREFIX = re.compile(r"^(_*(?:\d{4}-\d\d?-\d\d?-|\d{1,4}(?:\.\d+)*[-_. ]+)?)(?=.)")
_JOIN = re.compile(r"\s[&+|–—-]\s|\s?[(\[|–—]\s?|:\s")
_STEP = re.compile(
    r"^(?:step|part|chapter|lesson|section|appendix|example)\s*(?:\d+|[ivx]+|\w+)?\s*[:.–—-]\s*", re.IGNORECASE
)
_DOING = re.compile(r"^[A-Za-z]+ing\s+(?:(?:a|an|the|your|our|my|its|up|with|to|and)\s+)*(?=\S)", re.IGNORECASE)
_SMALL = re.compile(r"^(?:(?:a|an|the|your|our|my|its)\s+)+(?=\S)", re.IGNORECASE)


def kebab(text: str, most: int = WORDS * 3) -> str:
    """Small letters and digits with hyphens between the words; accents are taken off, other scripts are lost."""
    words = _plain_words(text)[:most]
    while len(words) > 1 and len("-".join(words)) > LONGEST:
        words.pop()
    return "-".join(words)[:LONGEST].strip("-")


def _plain_words(text: str) -> list[str]:
    spelled = text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae").replace("’", "").replace("'", "")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", " ", plain)
    return re.findall(r"[a-z0-9]+", parted.lower())


def stem_of(name: str) -> tuple[str, str]:
    """A name without the suffix of a page, and that suffix (as written); `index.en.md` keeps its language."""
    stem, suffix = posixpath.splitext(name)
    if suffix.lower() not in PAGES:
        return name, ""
    inner, locale = posixpath.splitext(stem)
    return (inner, locale + suffix) if re.fullmatch(r"\.[a-z]{2}(?:-[A-Za-z]{2,4})?", locale) else (stem, suffix)


def is_conventional(stem: str) -> bool:
    return stem.upper().replace("-", "_") in CONVENTIONAL or stem.lower() in ("index", "_index")


def is_fine(name: str) -> bool:
    """Whether a file may keep its name: kebab-case, or one that is conventional as it is."""
    stem, _ = stem_of(name)
    return is_conventional(stem) or stem.startswith(".") or _KEBAB.fullmatch(stem) is not None


def candidates(path: str, titles: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """File names for the document, suffix included, the best first, among them perhaps the one that it has; none that
    `taken` (names of its folder, compared in small letters) has."""
    old = posixpath.basename(path)
    stem, suffix = stem_of(old)
    if is_conventional(stem):
        return [old]
    prefix = (_PREFIX.match(stem) or [""])[0]
    lead = re.sub(r"[_. ]+$", "-", prefix) if prefix.strip("_") else prefix
    used = {name.lower() for name in taken} - {old.lower()}
    found = (f"{lead}{word}{suffix.lower()}" for word in _words(stem[len(prefix) :], list(titles)) if word)
    return [name for name in dict.fromkeys(found) if name.lower() not in used or name == old]


def _words(stem: str, titles: list[str]) -> Iterator[str]:
    """Names without prefix and suffix. Who cannot write a name in kebab-case meant the words of it; one in kebab-case
    stays where it is what the title says, shorter; else the title says better what the document is about."""
    own, title = kebab(stem), titles[0] if titles else ""
    if own != stem or (own and says(own, title)):
        yield own
    short = core(title)
    yield kebab(_DOING.sub("", short), WORDS)
    yield kebab(short, WORDS)
    yield kebab(title, WORDS + 2)
    yield own
    for other in titles[1:]:
        yield kebab(core(other), WORDS)


def says(own: str, title: str) -> bool:
    """Whether a name is a title's own words: two at least, or one of a title that is too long to be a name."""
    words, whole = own.split("-"), _plain_words(title)
    if own.replace("-", "") == kebab(core(title)).replace("-", ""):
        return True
    return set(words) <= set(whole) and (len(words) > 1 or len(whole) > WORDS)


def core(title: str) -> str:
    """What a title is about: without `Step 3:` before it, and what is joined to it (`… & Astro`, `… (beta)`)."""
    bare = _STEP.sub("", re.sub(r"[`*_\"“”]|\[|\]\([^)]*\)|\{[^}]*\}", "", title)).strip()
    first = next((part for part in _JOIN.split(bare) if part and kebab(part)), bare)
    return _SMALL.sub("", first)
