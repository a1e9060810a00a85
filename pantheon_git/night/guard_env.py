"""The environment of a night, rebuilt from a list of names: what is not on it does not exist for the runner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pantheon_git.repo import paths
from pantheon_git.repo.git import Git

KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "LANG", "LANGUAGE", "TERM", "COLUMNS", "LINES"),
    *("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME"),
    *("NO_COLOR", "FORCE_COLOR", "COLORTERM"),
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "PANTHEON_MODELS"),
    *("PYTHONPATH", "PYTHONHASHSEED", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8"),
    *("LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES"),
    *("GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"),
    "CREDENTIALS_DIRECTORY",  # systemd: what the service's own unit file gives it, such as a key's passphrase
)
"""Where things lie, how a terminal is written to, how Python and the model's libraries run. No name that holds a
credential, an agent's socket or the address of a proxy."""
MARK = "PANTHEON_GUARD"
"""Says to the process that comes after what the guard left out. It proves nothing: the facts are looked at."""
_GIT = r"^(safe\.directory|pantheon\..*|user\.(name|email))$"


def rebuilt(environ: Mapping[str, str], home: Path, package: Path, git_config: str) -> dict[str, str]:
    """The night's environment. `home`: what is home to it; `package`: the folder that holds our package; `git_config`:
    the file that git reads in place of the person's own."""
    kept = {name: environ[name] for name in KEPT if name in environ}
    path = [str(package), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    kept |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(paths.config_home().parent),
        "XDG_STATE_HOME": str(paths.state_home().parent),
        "XDG_CACHE_HOME": str(paths.cache_home().parent),
        "PATH": environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(os.path.abspath(one) for one in path)),  # noqa: PTH100 - no links
        "GIT_CONFIG_GLOBAL": git_config,
    }
    return kept | {MARK: str(len(environ.keys() - kept.keys()))}


def git_config(git: Git) -> str:
    """What a night keeps of the person's git configuration: trusted folders, our own keys, the name. No credential
    helper, no rewritten address, no program to run."""
    found = git.run("config", "--global", "--includes", "--null", "--get-regexp", _GIT, check=False)
    pairs = [item.partition("\n") for item in found.out.decode("utf-8", "surrogateescape").split("\0") if item]
    lines = ["[credential]\n\thelper =\n"]
    for key, _, value in pairs:
        section, _, name = key.partition(".")
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        if "." not in name:  # no key of ours has a subsection
            lines.append(f'[{section}]\n\t{name} = "{escaped}"\n')
    return "".join(lines)
