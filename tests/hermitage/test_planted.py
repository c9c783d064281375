"""Would the search notice? Each forbidden anomaly is reached once the protocol is broken for it."""

from __future__ import annotations

import pytest

from scalar_tx.model.isolation import Isolation
from tests.hermitage.all_interleavings import search
from tests.hermitage.places import memory_apart
from tests.hermitage.planted import REACHED, planted
from tests.hermitage.programs import PROGRAMS

pytestmark = pytest.mark.slow

BY_NAME = {program.name: program for program in PROGRAMS}
CASES = [(bug, name, level) for bug, names, levels in REACHED for name in names for level in levels]


@pytest.mark.parametrize("bug, name, level", CASES)
def test_a_mistake_is_noticed(bug: str, name: str, level: Isolation) -> None:
    program = BY_NAME[name]
    with planted(bug):
        found = search(memory_apart(), program, level)
    assert found.example(program.anomaly), f"{name} is not reached although: {bug}"


def test_every_promise_is_broken_by_some_mistake() -> None:
    forbidden = {(p.name, level) for p in PROGRAMS for level in Isolation if level not in p.allowed}
    assert {(name, level) for _, name, level in CASES} == forbidden
