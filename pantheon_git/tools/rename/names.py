"""Names for a document: computed from its old name, its title and first heading, and what its siblings are called."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator

from pantheon_git.tools.links.tree import PAGES

LONGEST = 50
"""Characters of a name without its suffix."""
WORDS = 5
CONVENTIONAL = frozenset({
    "README", "LICENSE", "LICENCE", "CHANGELOG", "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY", "NOTICE", "AUTHORS",
    "CONTRIBUTORS", "AGENTS", "CLAUDE", "HISTORY", "SUPPORT", "SUMMARY", "PULL_REQUEST_TEMPLATE", "ISSUE_TEMPLATE",
    "MAINTAINERS", "GOVERNANCE", "COPYING", "INSTALL", "TODO", "NEWS", "ROADMAP", "CITATION", "CODEOWNERS",
    "UPGRADING", "MIGRATION", "FAQ", "ADOPTERS", "THANKS", "CHANGES", "RELEASE", "RELEASING", "HACKING", "SKILL",
    "GEMINI", "LICENSE-MIT", "LICENSE-APACHE", "THIRD_PARTY_NOTICES",
})  # fmt: skip
"""Names that tools and people look for as they are, at any case."""
_KEBAB = re.compile(r"_?[a-z0-9]+(?:[-.][a-z0-9]+)*")
_PREFIX = re.compile(r"^(_*(?:\d{4}-\d\d?-\d\d?-|\d{1,4}(?:\.\d+)*[-_. ]+)?)(?=.)")
_SMALL = frozenset(["a", "an", "the", "your", "our", "my", "its"])
_JOIN = re.compile(
    r"\s[&+|–—-]\s|\s?[:(\[|–—]\s?|\s(?:for|with|using|in|on|from|by|to|via|and|is|are)\s", re.IGNORECASE
)
_STEP = re.compile(
    r"^(?:step|part|chapter|lesson|section|appendix|example)\s*(?:\d+|[ivx]+|\w+)?\s*[:.–—-]\s*", re.IGNORECASE
)


def kebab(text: str, most: int = WORDS * 3) -> str:
    """Small letters and digits with hyphens between the words; accents are taken off, other scripts are lost."""
    spelled = text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae").replace("’", "").replace("'", "")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", " ", plain)
    words = re.findall(r"[a-z0-9]+", parted.lower())[:most]
    while len(words) > 1 and len("-".join(words)) > LONGEST:
        words.pop()
    return "-".join(words)[:LONGEST].strip("-")


def stem_of(name: str) -> tuple[str, str]:
    """A name without the suffix of a page, and that suffix (as written); `index.en.md` keeps its language."""
    stem, suffix = posixpath.splitext(name)
    if suffix.lower() not in PAGES:
        return name, ""
    inner, locale = posixpath.splitext(stem)
    return (inner, locale + suffix) if re.fullmatch(r"\.[a-z]{2}(?:-[A-Za-z]{2,4})?", locale) else (stem, suffix)


def is_fine(name: str) -> bool:
    """Whether a file may keep its name: kebab-case, or one that is conventional as it is."""
    stem, _ = stem_of(name)
    return stem.upper() in CONVENTIONAL or stem.startswith(".") or _KEBAB.fullmatch(stem) is not None


def candidates(path: str, titles: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """File names for the document, suffix included, the best first; none that `taken` (names of its folder, compared
    in small letters) has, and never the name that it has."""
    old = posixpath.basename(path)
    stem, suffix = stem_of(old)
    prefix = (_PREFIX.match(stem) or [""])[0]
    lead = re.sub(r"[_. ]+$", "-", prefix)
    used = {name.lower() for name in taken} - {old.lower()}
    found = (f"{lead}{word}{suffix.lower()}" for word in _words(stem[len(prefix) :], list(titles)) if word)
    return [name for name in dict.fromkeys(found) if name != old and name.lower() not in used]


def _words(stem: str, titles: list[str]) -> Iterator[str]:
    """Names without prefix and suffix. Who cannot write a name in kebab-case mostly meant the words of it."""
    own = kebab(stem)
    if own != stem and own:
        yield own
    for title in titles:
        yield kebab(core(title), WORDS)
    for title in titles:
        yield kebab(title, WORDS)
    yield own


def core(title: str) -> str:
    """What a title is about: without `Step 3:` before it, and what is joined to it (`… & Astro`)."""
    bare = _STEP.sub("", re.sub(r"[`*_\"“”]|\[|\]\([^)]*\)|\{[^}]*\}", "", title)).strip()
    parts = [part for part in _JOIN.split(bare) if part and kebab(part)]
    words = (parts[0] if parts else bare).split()
    while len(words) > 1 and words[0].lower() in _SMALL:
        words.pop(0)
    return " ".join(words)
