"""JUnit XML, as pytest and many others write it: which tests passed, failed, or did not run."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

_DEPTH = 50


class NotJunitError(ValueError):
    """Why a text is no report."""


@dataclass
class Junit:
    tests: dict[str, str] = field(default_factory=dict)
    """`CLASS::NAME` → `pass`, `fail` or `skip`; of several of one name the worst."""


def read_junit(data: bytes) -> Junit:
    """The results of a report. NotJunitError where it is cut off, no XML, or has a document type: entities are how a
    small file becomes a large one."""
    found, open_, current = Junit(), [], dict[str, str]()
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        open_.append(tag)
        if len(open_) > _DEPTH:
            raise NotJunitError("nested too deep")
        if tag == "testcase":
            name = "::".join(part for part in (attributes.get("classname", ""), attributes.get("name", "")) if part)
            current.update(name=name, state="pass")
        elif tag in ("failure", "error") and "name" in current:
            current["state"] = "fail"
        elif tag == "skipped" and current.get("state") == "pass":
            current["state"] = "skip"

    def end(tag: str) -> None:
        open_.pop()
        if tag == "testcase" and current:
            worse(found.tests, current["name"], current["state"])
            current.clear()

    def doctype(*_: object) -> None:
        raise NotJunitError("it has a document type")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise NotJunitError(str(error)) from error
    return found


def worse(tests: dict[str, str], name: str, state: str) -> None:
    """Keep the worst of several results of one name: an `ok` printed beside a true failure changes nothing."""
    order = ("skip", "pass", "fail")
    if name not in tests or order.index(state) > order.index(tests[name]):
        tests[name] = state
