"""What no job may change, whatever its scope: the files that decide about it, and those that run by themselves."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from pantheon_git.spec.globs import Globs

FORBIDDEN = Globs(
    (
        ".pantheon/**", "agents/**", "hooks/**", ".husky/**", ".githooks/**", ".pre-commit-config.yaml",
        "lefthook.y*ml",
        # continuous integration
        ".github/**", ".gitea/**", ".forgejo/**", ".gitlab/**", ".gitlab-ci.y*ml", ".circleci/**", ".buildkite/**",
        ".woodpecker/**", ".woodpecker.y*ml", ".teamcity/**", ".ci/**", ".travis.y*ml", ".cirrus.y*ml", ".drone.y*ml",
        ".appveyor.y*ml", "appveyor.y*ml", "azure-pipelines*.y*ml", "bitbucket-pipelines.y*ml", "cloudbuild.y*ml",
        "**/jenkinsfile",
        # who signs, who owns, and what git does with files
        "**/allowed_signers", "**/.gitattributes", "**/.gitmodules", "**/.gitconfig", "**/.lfsconfig", "codeowners",
        "docs/codeowners",
        # what runs when a folder is opened, entered or installed
        "**/.envrc", "**/.npmrc", "**/.yarnrc", "**/.yarnrc.yml", "**/.pnpmfile.cjs", "**/pip.conf", ".vscode/**",
        ".idea/**", ".devcontainer/**",
    )
)  # fmt: skip
"""In small letters: compared with the path in small letters, since some file systems do not tell them apart."""

_INTERPRETERS = {"sh", "bash", "dash", "zsh", "python", "python3", "node", "deno", "bun", "ruby", "perl", "php", "env"}
_RUNNERS = {"pytest", "ava", "jest", "vitest", "mocha", "tox", "nox", "unittest", "bats", "rspec"}
_MANIFESTS = {
    "make": ("Makefile", "makefile", "GNUmakefile"),
    "just": ("justfile", "Justfile"),
    **dict.fromkeys(("npm", "npx", "yarn", "pnpm"), ("package.json",)),
    **dict.fromkeys(("pytest", "tox"), ("pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini", "conftest.py")),
    "nox": ("noxfile.py",),
}
_TESTS = Globs(
    (
        "test/**",
        "tests/**",
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
    return path.casefold() in FORBIDDEN


def judging(commands: Iterable[str | list[str]], changed: Mapping[str, bool]) -> dict[str, str]:
    """Of the changed paths (path → whether the base has it), those that are part of a command which judges the job →
    that command.

    A command's own script and its runner's configuration count, new ones too; of a test runner also the tests that
    were there. A file that is merely an argument of another program (`grep -q title docs/a.md`) is no judge.
    """
    found: dict[str, str] = {}
    for command in commands:
        shown = command if isinstance(command, str) else shlex.join(command)
        for words in _simple_commands(command):
            scripts, tests = _files_of(words)
            for path, existed in changed.items():
                if path in scripts or (tests is not None and existed and (path in tests or path in _TESTS)):
                    found.setdefault(path, shown)
    return found


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
            current = []
        elif current or "=" not in word:
            current.append(word)


def _files_of(words: list[str]) -> tuple[set[str], set[str] | None]:
    """The scripts and settings that a simple command runs by; and for a test runner the tests that it names."""
    program = words[0].rpartition("/")[2]
    arguments = [word.removeprefix("./") for word in words[1:] if not word.startswith("-")]
    said = [program, *(word.rpartition("/")[2] for word in words[1:4])]
    scripts = {words[0].removeprefix("./"), *(name for word in said for name in _MANIFESTS.get(word, ()))}
    if program in _INTERPRETERS or program.startswith("python"):
        scripts.update(arguments[:2] if program == "env" else arguments[:1])
    runs_tests = "test" in said[1:] or any(word in _RUNNERS for word in said)
    return scripts, set(arguments) if runs_tests else None
