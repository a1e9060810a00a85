"""Which absolute addresses are the tree's own: of its site, and of its repository on a forge.

Configured ones are believed. Of others one can only count, over addresses of pages in a folder (`/usage/cli/`): a host
is the tree's own where at least two of them are pages of this tree, and at least a quarter of all.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from pantheon_git.tools.links.resolve import Target, tail_hit
from pantheon_git.tools.links.tree import PAGES, Tree, bare

_URL = re.compile(r"https?://[^\s<>()\[\]\"'`{}|\\^,;]+[^\s<>()\[\]\"'`{}|\\^,;.:!?]")
_FORGE = re.compile(
    r"(https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org|gitea\.com)/([\w.-]+/[\w.-]+?)(?:/-)?/"
    r"(?:blob|tree|raw|edit|src/branch|blame)/([^/\s]+)/|https?://raw\.githubusercontent\.com/([\w.-]+/[\w.-]+)/"
    r"(?:refs/heads/)?([^/\s]+)/)(.+)"
)
_BRANCHES = frozenset({
    "main", "master", "head", "trunk", "develop", "dev", "next", "latest", "canary", "docs", "gh-pages",
})  # fmt: skip
_CONFIGURED = re.compile(
    r"""(?:^|[{,])\s*["']?(?:site_url|url|baseurl|base_url|homepage|site|origin)["']?\s*[:=]\s*["']?(https?://[^\s"',]+)""",
    re.IGNORECASE | re.MULTILINE,
)
_REPOSITORY = re.compile(
    r"""(?:^|[{,])\s*["']?(?:repo_url|repository|repo|url|github|git_repository_url|editlink)["']?\s*[:=]\s*.*?"""
    r"""(?:github\.com[/:]|gitlab\.com[/:]|codeberg\.org[/:]|github:|gitlab:)([\w.-]+/[\w.-]+?)(?:\.git)?["'/\s,]""",
    re.IGNORECASE | re.MULTILINE,
)
CONFIGURATION = re.compile(
    r"(?:^|/)(?:mkdocs\.ya?ml|_config\.ya?ml|docusaurus\.config\.\w+|hugo\.\w+|config\.(?:toml|ya?ml)|package\.json"
    r"|pyproject\.toml|cargo\.toml|book\.toml|cname|astro\.config\.\w+|conf\.py|docs\.json|mint\.json|config\.m?[jt]s)$",
    re.IGNORECASE,
)


class Site:
    """`texts`: path → text of files that may say or show what is own: the configuration, and pages."""

    def __init__(self, tree: Tree, texts: Mapping[str, str]) -> None:
        self.tree = tree
        configuration = [text for path, text in texts.items() if CONFIGURATION.search(path)]
        self.repositories = {name.lower() for text in configuration for name in _REPOSITORY.findall(text)}
        self.hosts = {host for text in configuration for url in _CONFIGURED.findall(text) if (host := _host(url))}
        self.hosts |= {text.strip().lower() for path, text in texts.items() if path.rpartition("/")[2] == "CNAME"}
        self._count(texts.values())

    def _count(self, texts: Iterable[str]) -> None:
        hosts: dict[str, dict[str, bool]] = defaultdict(dict)
        repositories: dict[str, dict[str, bool]] = defaultdict(dict)
        for text in texts:
            for url in _URL.findall(text):
                if found := _FORGE.match(url):
                    path = re.split(r"[?#]", found[6])[0].rstrip("/")
                    known = path in self.tree.files or path in self.tree.folders
                    repositories[(found[2] or found[4]).lower()][path] = known
                elif "/" in (parts := urlsplit(url)).path.strip("/") and is_address(parts.path):
                    hosts[parts.netloc.lower()][parts.path] = (
                        tail_hit(self.tree, Target("", parts.path, "")) is not None
                    )
        self.repositories |= {name for name, seen in repositories.items() if _enough(seen, 2)}
        self.hosts |= {name for name, seen in hosts.items() if _enough(seen, 4)}
        self.hosts -= {"github.com", "gitlab.com", "codeberg.org", "www.github.com", "pypi.org", "www.npmjs.com"}

    def own(self, url: str) -> tuple[Target, bool] | None:
        """An own address taken apart, and whether its path is a file's from the root (on a forge); None: not own."""
        if found := _FORGE.match(url):
            name, branch = (found[2] or found[4]).lower(), (found[3] or found[5]).lower()
            if name in self.repositories and branch in _BRANCHES:
                path, tail = _cut(found[6])
                return Target(found[1], path, tail), True
            return None
        parts = urlsplit(url)
        if parts.netloc.lower() not in self.hosts or not parts.path.strip("/"):
            return None
        front = f"{parts.scheme}://{parts.netloc}"
        path, tail = _cut(url[len(front) :])
        return Target(front, path, tail), False


def _cut(text: str) -> tuple[str, str]:
    at = min((at for at in (text.find("#"), text.find("?")) if at >= 0), default=len(text))
    return text[:at], text[at:]


def _enough(seen: Mapping[str, bool], times: int) -> bool:
    known = {bare(path.strip("/")) for path, is_known in seen.items() if is_known}
    return len(known) >= 2 and times * sum(seen.values()) >= len(seen)


def is_address(path: str) -> bool:
    """Whether an address may be a page's, by its suffix: none, or one of a page."""
    suffix = posixpath.splitext(path)[1]
    return not suffix or path.endswith(PAGES)


def _host(url: str) -> str:
    host = urlsplit(url).netloc.lower()
    return "" if host in ("github.com", "gitlab.com") else host
