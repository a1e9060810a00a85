"""Configuration of one clone: `git config pantheon.*`, read once. Not versioned; nothing here can loosen the policy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pantheon_git.spec.base import Spec


class Config(Spec):
    """How this machine runs a night."""

    jobs: int = Field(8, ge=1, le=4096)
    """Jobs in flight at once; `pantheon.jobs`."""
    engine: Literal["auto", "openvino", "vllm", "replay", "control"] = "auto"
    """`pantheon.engine`."""
    model_path: str | None = Field(None, alias="modelPath")
    """A model on disk in place of the one that the agents name; `pantheon.modelPath`."""
    agent_socket: str | None = Field(None, alias="agentSocket")
    """The ssh-agent that signs for a night's key under a passphrase; `pantheon.agentSocket`."""
    target: str | None = None
    """The branch that PRs are for; absent: the branch that HEAD names; `pantheon.target`."""
    plan_endpoint: str | None = Field(None, alias="planEndpoint")
    """Whom `plan` asks; beyond this machine only with `--cloud`, whatever stands here; `pantheon.planEndpoint`."""
    plan_model: str | None = Field(None, alias="planModel")
    """The model's name there; `pantheon.planModel`."""
    plan_key_env: str | None = Field(None, alias="planKeyEnv")
    """The variable that holds the endpoint's key, never the key; `pantheon.planKeyEnv`."""
    jail: Literal["auto", "bubblewrap", "namespaces"] = "auto"
    """`pantheon.jail`."""
