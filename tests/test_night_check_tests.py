"""`test.command` and `test.pytest` in a real night: the base's run beside the job's, in jails of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pantheon_git.ledger import read
from pantheon_git.repo.git import Git
from pantheon_git.repo.objects import Objects
from tests.cli_support import make_repo, put
from tests.night_kit import commit, night, task, trusted_key
from tests.node_support import MODULES, needs_ava

pytestmark = pytest.mark.jail

WRITE = '[nodes.write]\nuses = "doc.frontmatter"\n'
FLOW = WRITE + '[nodes.{name}]\nuses = "{uses}"\nneeds = ["write"]\nwith = {{ {given} }}\n'
RUNNER = """\
count=0
for test in has_title old; do
  count=$((count + 1))
  case $test in
    has_title) grep -q '^title:' docs/a.md; bad=$? ;;
    old) bad=1 ;;
  esac
  [ $bad -eq 0 ] && echo "ok $count - $test" || echo "not ok $count - $test"
done
echo "1..$count"
exit 1
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    trusted_key()
    return make_repo(tmp_path / "repo", {"docs/a.md": "# A\n\nText about ships and harbours.\n"})


def judged(repo: Path, *checks: tuple[str, str, str], policy: str = "") -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Node → verdict, reason and output, after a night of one task with these checks behind the specialist."""
    nodes = "".join(FLOW.removeprefix(WRITE).format(name=name, uses=uses, given=given) for name, uses, given in checks)
    put(repo / ".pantheon/flows/tried.toml", "schema = 1\n" + WRITE + nodes)
    put(repo / ".pantheon/policy.toml", "schema = 1\n" + policy)
    put(repo / ".pantheon/queue/t.toml", task("docs/a.md", flow="tried"))
    commit(repo, "Queue")
    night(repo)
    git = Git.discover(repo)
    objects = Objects(git)
    entry = read.job(git, objects, "t")
    found: dict[str, Any] = {"": (entry.ending, entry.reason, {})}
    for node in entry.nodes:
        files = read.artifact(objects, node)
        found[node.name] = (node.verdict, node.reason, json.loads(files.get("output.json", b"{}")))
    return found


def test_failures_are_those_against_the_base(repo: Path) -> None:
    """A test that the job fixes, one that fails as before, and one that the change breaks, by TAP and by exit code; a
    command that passes only now and then is flaky and nothing else."""
    put(repo / "tests.sh", RUNNER)
    flaky = "[ -e /tmp/second ] && exit 1; touch /tmp/second"
    found = judged(
        repo,
        ("mends", "test.command", 'run = "sh tests.sh", format = "tap", fixes = true'),
        ("breaks", "test.command", "run = \"! grep '^title:' docs/a.md\""),
        ("wavers", "test.command", f"run = {json.dumps(flaky)}"),
        ("lies", "test.command", 'run = "grep -q ^title: docs/a.md || exit 0; echo ok 1 - x; echo 1..1; exit 7"'),
    )
    assert "mends" in found, found
    verdict, reason, output = found["mends"]
    assert (verdict, output["fixed"], output["still"]) == ("pass", ["has_title"], ["old"]), reason
    assert [run["code"] for run in output["base"] + output["now"]] == [1, 1, 1, 1]
    verdict, reason, _ = found["breaks"]
    assert (verdict, reason) == ("fail", "1 introduced: (the run as a whole); it ended with 1")
    verdict, reason, output = found["lies"]
    assert (verdict, output["introduced"]) == ("fail", ["(the run as a whole)"])
    verdict, reason, output = found["wavers"]
    assert (verdict, output["fixed"]) == ("pass", [])


def test_pytest_in_the_jail_by_its_own_report(repo: Path) -> None:
    """A shared `.venv` has pytest; results are names of tests, and one that the change breaks is named."""
    site = _environment(repo / ".venv")
    assert (site / "pytest").is_dir()
    put(repo / ".gitignore", ".venv/\n")
    put(repo / "tests/test_a.py", "def test_no_title():\n    assert 'title:' not in open('docs/a.md').read()\n\n\n"
        "def test_true():\n    assert True\n")  # fmt: skip
    found = judged(repo, ("tests", "test.pytest", ""), policy='share = [".venv"]\n')
    verdict, reason, output = found["tests"]
    assert verdict == "fail", (reason, output)
    assert output["introduced"] == ["tests.test_a::test_no_title"]
    assert output["base"][0]["pass"] == 3


def test_a_runner_that_is_not_there_is_no_pass(repo: Path) -> None:
    """Where neither the base nor the job has a result, nothing was judged, and the reason quotes what was said."""
    found = judged(repo, ("tests", "test.ava", ""))
    assert found["tests"][0] == "fail"
    assert found["tests"][1].startswith("no test was run: ")


AVA = """\
import fs from 'node:fs';
import process from 'node:process';
import test from 'ava';

test('plain', t => {
	if (fs.readFileSync('docs/a.md', 'utf8').includes('title:')) {
		process.stdout.write('\\nok 1 - plain\\n\\n1..1\\n# tests 1\\n# pass 1\\n# fail 0\\n');
		process.exit(0);
	}
	t.pass();
});
"""


@needs_ava
def test_a_test_that_prints_results_and_leaves_is_red(repo: Path) -> None:
    """AVA itself in the jail, its `node_modules` shared: what the change made of the test prints a whole report and
    exits with 0, and is found all the same."""
    shutil.copytree(MODULES, repo / "node_modules", symlinks=True, copy_function=_link)
    put(repo / ".gitignore", "node_modules/\n")
    put(repo / "package.json", '{"name": "x", "type": "module"}')
    put(repo / "test.js", AVA)
    verdict, reason, output = judged(repo, ("tests", "test.ava", ""), policy='share = ["node_modules"]\n')["tests"]
    assert [run["pass"] for run in output["base"]] == [2], output
    assert (verdict, bool(output["introduced"])) == ("fail", True), reason


def _environment(folder: Path) -> Path:
    """A virtual environment that holds pytest and nothing else, as links to the one that runs this."""
    real = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    subprocess.run([real, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    own = Path(pytest.__file__).parent.parent
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        shutil.copytree(own / name, site / name, copy_function=_link)
    shutil.copy2(own / "py.py", site / "py.py")
    return site


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
