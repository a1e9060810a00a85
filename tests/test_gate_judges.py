"""Files that no job may change: the built-in list, and the scripts of the checks that judge it."""

from __future__ import annotations

import pytest

from pantheon_git.gate.judges import is_forbidden, judging


@pytest.mark.parametrize(
    "path",
    [
        ".pantheon/policy.toml", ".pantheon/queue/other.toml", "agents/a/agent.toml", "hooks/pre-commit", ".github/x",
        ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile", "sub/Jenkinsfile", "a/.gitattributes",
        ".gitattributes", ".gitmodules", "keys/allowed_signers", "CODEOWNERS", "docs/CODEOWNERS", ".husky/x", ".envrc",
        "a/.npmrc", ".vscode/tasks.json", ".pre-commit-config.yaml", ".GITHUB/workflows/x.yml",
        "azure-pipelines-nightly.yml",
    ],
)  # fmt: skip
def test_the_built_in_list(path: str) -> None:
    """Judges, CI, signers, git attributes and what runs by itself, in any letter case."""
    assert is_forbidden(path)


@pytest.mark.parametrize(
    "path", ["docs/agents/x.md", "docs/hooks.md", "README.md", "src/github/x.py", ".gitignore", "a.yml"]
)
def test_what_is_not_on_it(path: str) -> None:
    """Ordinary files whose names only resemble those."""
    assert not is_forbidden(path)


OLD = dict.fromkeys(("docs/a.md", "docs/check.py", "tests/test_a.py", "package.json", "Makefile", "pytest.ini"), True)
NEW = {"tests/test_new.py": False, "conftest.py": False, "tools/new.sh": False}


@pytest.mark.parametrize(
    ("command", "judges"),
    [
        ("grep -q title docs/a.md", set()),
        ("python docs/check.py docs/a.md", {"docs/check.py"}),
        ("python3.11 -u ./docs/check.py", {"docs/check.py"}),
        ("test -f docs/a.md && sh tools/new.sh", {"tools/new.sh"}),
        ("A=1 env python docs/check.py", {"docs/check.py"}),
        ("pytest -q tests/test_a.py", {"tests/test_a.py", "pytest.ini", "conftest.py"}),
        ("python -m pytest", {"tests/test_a.py", "pytest.ini", "conftest.py"}),
        ("npm test", {"package.json", "tests/test_a.py"}),
        ("npx ava tests/test_new.py", {"package.json", "tests/test_a.py"}),
        ("make check", {"Makefile", "tests/test_a.py"}),
        (["docs/check.py", "docs/a.md"], {"docs/check.py"}),
        ("grep 'unclosed docs/a.md", set()),
        ("true; docs/check.py | grep ok", {"docs/check.py"}),
    ],
)  # fmt: skip
def test_scripts_of_checks(command: str | list[str], judges: set[str]) -> None:
    """The script, the runner's settings, and the tests that were there; what is merely read is no judge, and neither is
    a test that the job itself adds."""
    assert set(judging([command], {**OLD, **NEW})) == judges


MORE = {
    **dict.fromkeys(("tests/test_a.py", "tests/data/a.json", "src/app.py", "checks/run.sh", "docs/a.md"), True),
    **dict.fromkeys(("tests/conftest.py", "src/conftest.py", "json.py", "pytest.py", "tests/random.py"), False),
    **dict.fromkeys(("src/logging/x.py", "src/json.py", "pytest/__init__.py", "tool/__main__.py"), False),
    "docs/json.md": False,
    **dict.fromkeys(("jest.config.js", "web/vitest.config.ts", "tox.ini", "rules.mk"), False),
}
TESTS = {"tests/test_a.py", "tests/data/a.json"}
SHADOWED = {"tests/conftest.py", "src/conftest.py", "json.py", "pytest.py", "tests/random.py", "pytest/__init__.py"}


@pytest.mark.parametrize(
    ("command", "judges"),
    [
        ("pytest tests", {*SHADOWED, *TESTS, "tox.ini"}),
        ("timeout 60 sh -c 'cd . && pytest -q'", {*SHADOWED, *TESTS, "tox.ini"}),
        ("uv run python -m pytest tests/test_a.py::test_x", {*SHADOWED, *TESTS, "tox.ini"}),
        ("python -m tool docs/a.md", {*SHADOWED - {"tests/conftest.py", "src/conftest.py"}, "tool/__main__.py"}),
        ("npx jest", {"jest.config.js", "web/vitest.config.ts", *TESTS}),
        ("make -s test", {"rules.mk", *TESTS}),
        ("bash -ec 'checks/run.sh docs/a.md'", {"checks/run.sh"}),
        ("test -s docs/a.md", set()),
    ],
)  # fmt: skip
def test_ways_around_a_check(command: str, judges: set[str]) -> None:
    """New settings, new modules that Python would take before its own, test data, what a shell within a shell runs; a
    package's own module of such a name is none."""
    assert set(judging([command], MORE)) == judges


@pytest.mark.parametrize(
    "path",
    [".github./x", ".GitHub /x", ".git\u200chub/x", ".Pantheon/policy.toml", "agents:x/y", "AGENTS/x",
     "a/.gitattributes.", "\ufeff.gitmodules", "Hooks /pre-push", ".mailmap", "CLAUDE.md", "x/sitecustomize.py",
     "sub/.yarn/releases/y.cjs",
     "trust/revoked_keys", ".pre-commit-hooks.yaml", ".gitlab-ci/a.yml"],
)  # fmt: skip
def test_the_built_in_list_in_every_spelling(path: str) -> None:
    """As the least careful file system sees the path."""
    assert is_forbidden(path)
