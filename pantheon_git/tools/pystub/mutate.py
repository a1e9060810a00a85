"""Runs a test file against a module as it is, without each of its names, and with a do-nothing in the place of each.

Started as `python mutate.py JOB.json RESULT.json` in a throw-away copy. Each run is a fork of this process, so that
pytest and the module are imported once; the module under test is a copy whose functions still know the original.
"""

import importlib
import json
import os
import sys
import types
from collections.abc import Callable
from typing import Any


def main() -> None:
    with open(sys.argv[1]) as file:
        job = json.load(file)
    sys.path[0] = job["path"]
    sys.dont_write_bytecode = True
    pytest = importlib.import_module("pytest")  # the repository's own

    module = importlib.import_module(job["module"])
    _silence()
    pytest.main(["--version"])  # what it imports for itself, each fork need not

    def red(gone: str | None = None, idle: str | None = None) -> bool:
        return _red(module, gone, idle, lambda: int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", job["test"]])))

    found: dict[str, Any] = {"base": red(), "removal": {}, "idle": {}}
    for name in job["names"] if not found["base"] else ():
        if hasattr(module, name):
            found["removal"][name] = red(gone=name)
            if callable(getattr(module, name)):
                found["idle"][name] = red(idle=name)
    with open(sys.argv[2], "w") as file:
        json.dump(found, file)


def _red(module: types.ModuleType, gone: str | None, idle: str | None, run: Callable[[], int]) -> bool:
    """Whether pytest ends with anything but 0 when the name is missing, or does nothing."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update(module.__dict__)
    if gone is not None:
        del copy.__dict__[gone]
    if idle is not None:
        copy.__dict__[idle] = stand_in(getattr(module, idle))
    sys.modules[module.__name__] = copy
    parent, _, last = module.__name__.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, copy)
    _silence()
    code = 1
    try:
        code = run()
    finally:
        os._exit(code)


def _silence() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def stand_in(value: Any) -> Any:
    """A do-nothing in the place of a function or class."""
    if isinstance(value, type):
        return type(value.__name__, (), {"__init__": lambda self, *args, **more: None})
    return lambda *args, **more: None


if __name__ == "__main__":
    main()
