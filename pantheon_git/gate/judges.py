"""What no job may change, whatever its scope: the files that decide about it, and those that run by themselves."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pantheon_git.jail.names import plain
from pantheon_git.spec.globs import Globs, escape

FORBIDDEN = Globs(
    (
        ".pantheon/**", "agents/**", "hooks/**", ".husky/**", ".githooks/**", ".pre-commit-config.yaml",
        ".pre-commit-hooks.yaml", "lefthook*.y*ml", ".lefthook*", ".lefthook/**", ".overcommit.y*ml", ".huskyrc*",
        # continuous integration
        ".github/**", ".gitea/**", ".forgejo/**", ".gitlab/**", ".gitlab-ci.y*ml", ".circleci/**", ".buildkite/**",
        ".woodpecker/**", ".woodpecker.y*ml", ".teamcity/**", ".ci/**", ".travis.y*ml", ".cirrus.y*ml", ".drone.y*ml",
        ".appveyor.y*ml", "appveyor.y*ml", "azure-pipelines*.y*ml", "bitbucket-pipelines.y*ml", "cloudbuild.y*ml",
        "**/jenkinsfile*", ".jenkins/**", ".azure-pipelines/**", ".gitlab-ci/**", ".builds/**", ".build.y*ml",
        ".semaphore/**", ".tekton/**", ".drone.*", ".travis/**", "codefresh.y*ml", "wercker.y*ml", "bors.toml",
        ".mergify.y*ml", "renovate.json*", ".renovaterc*", "netlify.toml", "vercel.json",
        # who signs, who owns, and what git does with files
        "**/allowed_signers*", "**/revoked_keys*", "**/.gitattributes", "**/.gitmodules", "**/.gitconfig",
        "**/.lfsconfig", "**/.mailmap", "codeowners", "docs/codeowners",
        # what tells other agents what to do
        "agents.md", "claude.md", "gemini.md", ".cursorrules", ".cursor/**", ".claude/**", ".mcp.json",
        # what runs when a folder is opened, entered or installed
        "**/.envrc", "**/.npmrc", "**/.yarnrc", "**/.yarnrc.yml", "**/.pnpmfile.cjs", "**/pip.conf", ".vscode/**",
        ".idea/**", ".zed/**", ".devcontainer/**", "**/.cargo/**", "**/.bazelrc", "**/.yarn/**", "**/.pnp.*",
        "**/.bundle/config", "**/mise.toml", "**/.mise.toml", "**/sitecustomize.py", "**/usercustomize.py", "**/*.pth",
    )
)  # fmt: skip
"""In small letters: compared with the path as the least careful file system sees it (`jail.names.plain`)."""

_SHELLS = {"sh", "bash", "dash", "zsh"}
_INTERPRETERS = _SHELLS | {"python", "python3", "node", "deno", "bun", "ruby", "perl", "php", "env"}
_RUNNERS = {"pytest", "ava", "jest", "vitest", "mocha", "tox", "nox", "unittest", "bats", "rspec"}
_PYTHON = ("pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini", "**/conftest.py")
_NODE = ("**/package.json", "**/*.config.*js", "**/*.config.*ts", "**/.mocharc*", "**/.babelrc*", "**/tsconfig*.json")
_MANIFESTS = {
    "make": ("**/Makefile", "**/makefile", "**/GNUmakefile", "**/*.mk"),
    "just": ("justfile", "Justfile", ".justfile"),
    **dict.fromkeys(("npm", "npx", "yarn", "pnpm", "ava", "jest", "vitest", "mocha"), _NODE),
    **dict.fromkeys(("pytest", "tox", "nox", "unittest"), (*_PYTHON, "noxfile.py")),
    **dict.fromkeys(("ruff", "mypy", "flake8"), (*_PYTHON, "**/ruff.toml", "**/.ruff.toml", "mypy.ini", ".flake8")),
    **dict.fromkeys(("cargo", "go"), ("**/Cargo.toml", "**/build.rs", "**/go.mod")),
    **dict.fromkeys(("rake", "rspec", "bundle"), ("Rakefile", "Gemfile", ".rspec")),
    **dict.fromkeys(("mvn", "gradle", "gradlew"), ("**/pom.xml", "**/*.gradle*")),
    **dict.fromkeys(("cmake", "ctest"), ("**/CMakeLists.txt",)),
}
_STARTERS = {"make", "just", "npm", "npx", "yarn", "pnpm", "rake", "gradlew"}
"""What they start, a file of the repository says: so the tests that were there may be part of it."""
_SHADOWS = frozenset(sys.stdlib_module_names) | {"pytest", "_pytest", "pluggy", "py", "xdist", "hypothesis"}
"""Python takes a module from the folder that it starts in, or that a test lies in, before its own of that name."""
_TESTS = Globs(
    (
        "**/test/**",
        "**/tests/**",
        "**/testdata/**",
        "**/fixtures/**",
        "**/__snapshots__/**",
        "**/__mocks__/**",
        "spec/**",
        "**/__tests__/**",
        "**/test_*.py",
        "**/*_test.*",
        "**/*.test.*",
        "**/*.spec.*",
        "**/conftest.py",
    )
)


def is_forbidden(path: str) -> bool:
    """Whether the built-in list holds the path (relative to the root, undecodable bytes as surrogates)."""
    return "/".join(map(plain, path.split("/"))) in FORBIDDEN


def judging(commands: Iterable[str | list[str]], changed: Mapping[str, bool]) -> dict[str, str]:
    """Of the changed paths (path → whether the base has it), those that are part of a command which judges the job →
    that command.

    A command's own script, its runner's configuration, and modules that would come before Python's own count, new ones
    too; of a test runner, and of what starts one (`make check`), also the tests that were there.
    A file that is merely an argument of another program (`grep -q title docs/a.md`) is no judge.
    """
    found: dict[str, str] = {}
    for command in commands:
        shown = command if isinstance(command, str) else shlex.join(command)
        judges = [_judge(words) for words in _simple_commands(command)]
        for path, existed in changed.items():
            if any(judge.reads(path, existed) for judge in judges):
                found.setdefault(path, shown)
    return found


@dataclass(frozen=True)
class _Judge:
    """What a simple command runs by."""

    own: Globs
    """Its script, and its runner's settings: new ones count too."""
    tests: frozenset[str] | None
    """Of a test runner what it is told to run; None: it is none."""
    python: bool

    def reads(self, path: str, existed: bool) -> bool:
        if path in self.own or (self.python and _shadows(path)):
            return True
        if self.tests is None or not existed:
            return False
        return path in _TESTS or any(path == named or path.startswith(named.rstrip("/") + "/") for named in self.tests)


def _shadows(path: str) -> bool:
    """Whether a file at the root, or among the tests, is a module that Python would take before its own."""
    if not path.endswith((".py", ".pyc", ".so")):
        return False
    top, slash, _ = path.partition("/")
    stem = path.rpartition("/")[2].partition(".")[0]
    return (top if slash else stem) in _SHADOWS or (path in _TESTS and stem in _SHADOWS)


def _simple_commands(command: str | list[str]) -> Iterator[list[str]]:
    """Words of each simple command of a shell line; assignments before it dropped."""
    if isinstance(command, str):
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # an open quote: the shell will refuse it too
            words = command.split()
    else:
        words = list(command)
    current: list[str] = []
    for word in [*words, ";"]:
        if word and set(word) <= set(";&|()\n"):
            if current:
                yield current
                yield from _inner(current)
            current = []
        elif current or "=" not in word:
            current.append(word)


def _inner(words: list[str]) -> Iterator[list[str]]:
    """The commands of the line that a shell is given: `timeout 60 sh -c 'pytest tests'`."""
    for at, word in enumerate(words[:-2]):
        if word.rpartition("/")[2] in _SHELLS and words[at + 1].startswith("-") and words[at + 1].endswith("c"):
            yield from _simple_commands(words[at + 2])


def _judge(words: list[str]) -> _Judge:
    program = words[0].rpartition("/")[2]
    arguments = [word.removeprefix("./").partition("::")[0] for word in words[1:] if not word.startswith("-")]
    said = [program, *(word.rpartition("/")[2] for word in words[1:7])]
    own = [escape(words[0].removeprefix("./")), *(name for word in said for name in _MANIFESTS.get(word, ()))]
    python = any(word.startswith("python") or word in ("pytest", "tox", "nox") for word in said)
    if program in _INTERPRETERS or python:
        own += map(escape, arguments[:2] if program == "env" else arguments[:1])
    for at, word in enumerate(words[:-1]):
        if python and word == "-m":
            module = words[at + 1].replace(".", "/")
            own += [escape(f"{module}.py"), f"{escape(module)}/**", escape(f"{module.partition('/')[0]}/__init__.py")]
    runs_tests = "test" in said[1:] or any(word in _RUNNERS | _STARTERS for word in said)
    return _Judge(Globs(own), frozenset(arguments) if runs_tests else None, python)
