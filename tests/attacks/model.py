"""How an attack is written down. It is a probe with a shell in front, where it is a shell script."""

from __future__ import annotations

from pantheon_git.jail.probe import Probe, call

__all__ = ["HARM", "Probe", "call", "py", "sh"]

HARM = "would harm this machine"
"""Why an attack is not first tried outside."""

_SHELL = """
import subprocess, sys
sys.exit(subprocess.run(["sh", "-c", {script!r}, "attack", *sys.argv[1:]], stdin=subprocess.DEVNULL).returncode)
"""


def sh(area: str, name: str, script: str, *arguments: str, control: str = "", harm: str = "") -> Probe:
    """A shell script that ends with 0 when it got out. `control`: what shows outside that the way exists, where the
    script itself would not; `harm`: why nothing is tried outside."""
    other = _SHELL.format(script=control) if control else ""
    return Probe(area, name, _SHELL.format(script=script), arguments, control=other, harm=harm)


def py(area: str, name: str, code: str, *arguments: str, control: str = "", harm: str = "", then: str = "") -> Probe:
    return Probe(area, name, code, arguments, control=control, harm=harm, then=then)
