"""What a Python module does: evaluates small pieces of code against it, and writes one JSON line each.

Started as `python probe.py JOB.json RESULT.jsonl` in a throw-away copy of the repository, by the repository's own
Python: nothing but the standard library is imported. Values are written as source text, so that a test can hold the
same words.
"""

import asyncio
import datetime
import decimal
import fractions
import importlib
import inspect
import json
import os
import platform
import signal
import sys
import types
from typing import Any

LONGEST, ITEMS = 400, 50
BUILTIN = (type(None), bool, int, float, complex, str, bytes)
NATIVE = (
    "object is not", "object has no attribute", "unsupported operand", "argument", "not supported between", "must be",
    "can't", "cannot", "expected str", "invalid literal", "not subscriptable", "out of range", "unhashable", "[Errno",
    "could not convert", "not enough values", "too many values", "has no len", "takes", "math domain", "unpack",
)  # fmt: skip
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn")
NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
WRITES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "shutil.rmtree", "shutil.move", "shutil.copyfile",
)  # fmt: skip
EFFECTS = {
    **dict.fromkeys(PROGRAMS, "program"), **dict.fromkeys(NETWORK, "network"), **dict.fromkeys(WRITES, "wrote"),
    "os.kill": "kill", "os.killpg": "kill", "signal.pthread_kill": "kill", "os.chdir": "chdir",
}  # fmt: skip
"""Audit events of what a test must not do, each with what it is called."""
effects: set[str] = set()
watching = False


class Refused(Exception):  # noqa: N818 -- not an error of ours: what the code under test meets
    """Raised in the place of an effect that a test must not have."""


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not watching:
        return
    name = EFFECTS.get(event)
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
        name = "wrote" if writes else None
    elif event in ("os.putenv", "os.unsetenv"):
        effects.add("environment")
    if name:
        effects.add(name)
        raise Refused(name)


class Late(BaseException):
    """The time for one call is over. No `Exception`: the code under test must not be able to catch it by accident."""


def ring(*_: object) -> None:
    raise Late


class NotLiteral(Exception):  # noqa: N818 -- an answer, not a fault
    """There is no source text that equals the value."""


def source(value: Any, depth: int = 0) -> str:
    if depth > 8:
        raise NotLiteral
    kind = type(value)
    if kind is float and value != value:
        raise NotLiteral
    if kind is float and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if kind is str:
        return quoted(value)
    if kind in BUILTIN:
        return repr(value)
    if kind in (list, tuple, set, frozenset, dict) and len(value) > 60:
        raise NotLiteral
    if kind in (list, tuple):
        parts = [source(one, depth + 1) for one in value]
        return f"[{', '.join(parts)}]" if kind is list else f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if kind in (set, frozenset):
        parts = sorted(source(one, depth + 1) for one in value)
        inner = "{" + ", ".join(parts) + "}" if parts else "set()"
        return inner if kind is set else f"frozenset({inner if parts else ''})"
    if kind is dict:
        return "{" + ", ".join(f"{source(k, depth + 1)}: {source(v, depth + 1)}" for k, v in value.items()) + "}"
    if kind in (datetime.date, datetime.datetime, datetime.time, datetime.timedelta):
        return repr(value)
    if kind in (decimal.Decimal, fractions.Fraction):
        return f"{kind.__module__}.{value!r}"
    raise NotLiteral


def quoted(text: str) -> str:
    """In double quotes where that needs no more marks than single ones do."""
    shown = repr(text)
    return '"' + shown[1:-1].replace("\\'", "'") + '"' if shown[0] == "'" and '"' not in text else shown


def literal(value: Any) -> str | None:
    try:
        text = source(value)
    except NotLiteral:
        return None
    return text if len(text) <= LONGEST else None


def by_repr(value: Any, names: dict[str, Any]) -> str | None:
    """The repr of an object where evaluating it gives an equal one: data classes, named tuples, enums of the module."""
    try:
        text = repr(value)
        if len(text) > LONGEST or "<" in text or " object at " in text:
            return None
        return text if eval(text, dict(names)) == value and value != object() else None
    except Exception:  # a stranger's __repr__ or __eq__ raises what it likes; then there is nothing to compare with
        return None


def observe(value: Any, names: dict[str, Any]) -> dict[str, Any]:
    text = literal(value)
    if text is not None:
        return {"is": "value", "source": text, "type": type(value).__name__}
    if isinstance(value, str | bytes | list | tuple | dict | set) and type(value).__module__ == "builtins":
        return {"is": "long", "type": type(value).__name__, "length": len(value)}
    if isinstance(value, types.GeneratorType) or (hasattr(value, "__next__") and hasattr(value, "__iter__")):
        found = []
        for one in value:
            found.append(one)
            if len(found) > ITEMS:
                return {"is": "object", "type": type(value).__name__}
        return {"is": "object", "type": type(value).__name__, "items": literal(found)}
    if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return {"is": "function"}
    seen: dict[str, Any] = {"is": "object", "type": type(value).__name__, "repr": by_repr(value, names)}
    try:
        state = vars(value)
        shown = [[name, literal(field)] for name, field in list(state.items())[:12] if not name.startswith("_")]
        seen["fields"] = [pair for pair in shown if pair[1] is not None]
    except TypeError:
        seen["fields"] = []
    own = "__str__" in dir(type(value)) and str(value) != object.__repr__(value)
    seen["text"] = literal(str(value)) if own and " at 0x" not in str(value) else None
    return seen


def broken(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    builtin = kind.__module__ == "builtins"
    message = str(error)
    return {"is": "error", "type": kind.__name__, "builtin": builtin, "message": message[:300],
            "own": bool(message) and not any(part in message for part in NATIVE)}  # fmt: skip


def evaluate(
    candidate: dict[str, Any], bound: dict[str, Any], helpers: dict[str, Any], timeout: float
) -> dict[str, Any]:
    global watching
    effects.clear()
    names = {**helpers, **bound}
    outcome: dict[str, Any] = {}
    signal.setitimer(signal.ITIMER_REAL, timeout)
    watching = True
    try:
        exec(candidate["setup"], names)
        code = compile(candidate["expr"], "<call>", "eval")
        try:
            value = eval(code, names)
            if inspect.iscoroutine(value):
                outcome["promise"] = True
                value = asyncio.run(value)
            outcome["value"] = observe(value, names)
        except Refused:
            outcome["bad"] = "refused"
        except SystemExit as error:
            outcome["value"] = broken(error)
        except Exception as error:  # whatever the module raises is what is observed
            outcome["value"] = broken(error)
        if candidate["then"] and "bad" not in outcome:
            outcome["then"] = observe(eval(candidate["then"], names), names)
    except Late:
        outcome["bad"] = "late"
    except BaseException as error:  # also what no module should raise: the next call must still be made
        outcome["bad"] = f"{type(error).__name__}: {error}"[:200]
    finally:
        watching = False
        signal.setitimer(signal.ITIMER_REAL, 0)
    outcome["effects"] = sorted(effects)
    return outcome


class Quiet:
    """Where prints go."""

    def write(self, text: str) -> int:
        effects.add("output")
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False


def stand_in(value: Any) -> Any:
    """A do-nothing in the place of a function or class."""
    if isinstance(value, type):
        return type(value.__name__, (), {"__init__": lambda self, *args, **more: None})
    return lambda *args, **more: None


def describe(value: Any) -> dict[str, Any]:
    if isinstance(value, type):
        members = []
        for key in dir(value):
            if not key.startswith("_"):
                found = inspect.getattr_static(value, key)
                getter = isinstance(found, property) or not callable(getattr(value, key, None))
                members.append({"name": key, "getter": getter, "static": isinstance(found, staticmethod | classmethod)})
        return {"kind": "class", "members": members, "error": issubclass(value, BaseException)}
    if callable(value):
        return {"kind": "function", "members": []}
    return {"kind": "value", "source": literal(value), "type": type(value).__name__}


def main() -> None:
    with open(sys.argv[1]) as file:
        job = json.load(file)
    log = open(sys.argv[2], "a", buffering=1)
    sys.path[0] = job["path"]
    sys.stdout = sys.stderr = Quiet()
    sys.addaudithook(audit)
    signal.signal(signal.SIGALRM, ring)
    try:
        module = importlib.import_module(job["module"])
    except BaseException as error:  # an import may end in anything, SystemExit too; the reader is told
        log.write(json.dumps({"failed": f"{type(error).__name__}: {error}"[:300]}) + "\n")
        os._exit(3)
    exports = {name: getattr(module, name) for name in job["names"] if hasattr(module, name)}
    helpers = {name: importlib.import_module(name) for name in job["helpers"]}
    machine = [sys.version.split()[0], platform.node(), platform.release(), sys.executable, sys.platform]
    described = {name: describe(value) for name, value in exports.items()}
    log.write(json.dumps({"exports": described, "machine": [word for word in machine if len(word) > 2]}) + "\n")
    late: dict[str, int] = {}
    for candidate in job["candidates"]:
        log.write(json.dumps({"begun": candidate["id"]}) + "\n")
        group = candidate["group"]
        outcome = {"bad": "late"} if late.get(group, 0) > 2 else judge(candidate, exports, helpers, job["timeout"])
        late[group] = late.get(group, 0) + (outcome.get("bad") == "late")
        log.write(json.dumps({"told": [], **outcome, "id": candidate["id"]}) + "\n")
    os._exit(0)


def judge(
    candidate: dict[str, Any], exports: dict[str, Any], helpers: dict[str, Any], timeout: float
) -> dict[str, Any]:
    """What a call comes to, and which exports' stand-ins would make it come to something else."""
    outcome = evaluate(candidate, exports, helpers, timeout)
    if outcome.get("bad"):
        return outcome
    said = [outcome.get(name) for name in ("value", "promise", "then")]
    told = []
    for name in candidate["uses"]:
        if callable(exports.get(name)):
            other = evaluate(candidate, {**exports, name: stand_in(exports[name])}, helpers, timeout)
            if other.get("bad") or [other.get(part) for part in ("value", "promise", "then")] != said:
                told.append(name)
    return {**outcome, "told": told}


if __name__ == "__main__":
    main()
