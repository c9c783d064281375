"""With which settings does each side run? The isolation is the same on both, whatever the mode.

A mode's properties are ScalarDB's; what it does not name is as each library has it for a user who
sets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX: Final = "scalar.db.consensus_commit."
ISOLATION: Final = f"{_PREFIX}isolation_level"
ONE_PHASE: Final = f"{_PREFIX}one_phase_commit.enabled"
ASYNC_COMMIT: Final = f"{_PREFIX}async_commit.enabled"
GROUP_COMMIT: Final = f"{_PREFIX}coordinator.group_commit.enabled"


@dataclass(frozen=True)
class Mode:
    """What each side sets, and what a reader is told of it."""

    words: str
    java: Mapping[str, str]
    ours: Mapping[str, str]


def _both(words: str, **values: str) -> Mode:
    names = {"one_phase": ONE_PHASE, "async_commit": ASYNC_COMMIT, "group": GROUP_COMMIT}
    properties = {names[name]: value for name, value in values.items()}
    return Mode(words, properties, properties)


MODES: Final = {
    "defaults": Mode("both as they come", {}, {}),
    "java one-phase": Mode(
        "Java with `one_phase_commit.enabled=true`, ours as it comes", {ONE_PHASE: "true"}, {}
    ),
    "tuned": _both(
        "both with `one_phase_commit.enabled=true` and `async_commit.enabled=true`",
        one_phase="true",
        async_commit="true",
    ),
    "same phases": _both(
        "both with `one_phase_commit.enabled=false`: prepare, decision, finish", one_phase="false"
    ),
    "group commit": _both(
        "both with `coordinator.group_commit.enabled=true` and without one-phase commits",
        one_phase="false",
        group="true",
    ),
    "idle group": Mode(
        "ours twice, without group commit (where Java stands) and with it; no one-phase commits",
        {ONE_PHASE: "false"},
        {ONE_PHASE: "false", GROUP_COMMIT: "true"},
    ),
}
