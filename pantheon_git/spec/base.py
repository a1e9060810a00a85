"""The model all specs share: frozen, strict about unknown keys."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

TASK_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

TaskId = Annotated[str, StringConstraints(pattern=rf"^{TASK_ID.pattern}$")]
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]


class Spec(BaseModel):
    """A part of a file that a person wrote. Unknown keys are errors; instances never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)


def json_schema(model: type[Spec], title: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec, for editors."""
    schema = model.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return schema
