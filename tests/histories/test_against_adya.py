"""Does an independent checker come to the same verdicts, model by model?"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scalar_tx.histories import check_lists, check_registers
from tests.architecture.checkout import ROOT
from tests.histories import independent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.histories import Verdict

VERSION = "0.1.0"
EVERY_TENTH = [
    *range(0, independent.LISTS, 10),
    *range(independent.LISTS, independent.LISTS + independent.REGISTERS, 9),
]
EVERY = range(independent.LISTS + independent.REGISTERS)

# Seeds at which the other checker is known to be wrong, with the reason.
KNOWN: dict[int, str] = {}


def ours(seed: int, model: str) -> Verdict:
    history = independent.history_of(seed)
    if independent.is_of_lists(seed):
        return check_lists(history, model)
    return check_registers(history, model, **independent.assumption(seed)[1])


def differences(seeds: Iterable[int]) -> tuple[list[str], Counter[tuple[bool, str, bool]]]:
    """Where the verdicts differ, and how often which was given."""
    recorded = independent.recorded()
    found = []
    given: Counter[tuple[bool, str, bool]] = Counter()
    for seed in seeds:
        lists = independent.is_of_lists(seed)
        for bit, model in enumerate(independent.MODELS):
            theirs = bool(recorded[seed] >> bit & 1)
            given[lists, model, theirs] += 1
            verdict = ours(seed, model)
            if verdict.valid != theirs and seed not in KNOWN:
                found.append(f"seed {seed}, {model}: {theirs} there, here {verdict.names}")
        strict = recorded[seed] >> independent.MODELS.index("strict-serializable") & 1
        if ours(seed, "SERIALIZABLE").valid != bool(strict) and seed not in KNOWN:
            found.append(f"seed {seed}: SERIALIZABLE is not as strict-serializable")
    return found, given


def assert_often(given: Counter[tuple[bool, str, bool]], histories: int) -> None:
    """Of each model both verdicts were given, of lists and of registers."""
    for lists in (True, False):
        for model in independent.MODELS:
            assert given[lists, model, True] >= histories / 8, (lists, model)
            assert given[lists, model, False] >= histories / 125, (lists, model)


def test_a_tenth_of_the_recorded_verdicts_is_the_same() -> None:
    found, given = differences(EVERY_TENTH)
    assert found == []
    assert_often(given, len(EVERY_TENTH))


@pytest.mark.slow
def test_all_recorded_verdicts_are_the_same() -> None:
    assert len(independent.recorded()) == len(EVERY) == 10_000
    found, given = differences(EVERY)
    assert found == []
    assert_often(given, len(EVERY))


@pytest.mark.cargo
def test_the_recorded_verdicts_are_what_the_other_checker_says() -> None:
    answers = independent.ask(built(), EVERY)
    assert answers == independent.recorded()


def built() -> Path:
    """The other checker, built once and kept."""
    folder = ROOT / ".cache" / "adya"
    program = folder / "bin" / ("adya.exe" if os.name == "nt" else "adya")
    if not program.exists():
        cargo = shutil.which("cargo")
        assert cargo is not None, "cargo is not there: install Rust, or leave this test out"
        question = ["install", "adya", "--version", VERSION, "--locked", "--no-default-features"]
        subprocess.run([cargo, *question, "--root", str(folder)], check=True, timeout=900)
    return program
