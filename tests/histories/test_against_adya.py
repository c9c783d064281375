"""Does an independent checker come to the same verdicts, model by model?"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from scalar_tx.histories import check_lists, check_registers
from tests.architecture.checkout import ROOT
from tests.histories import independent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from scalar_tx.histories import Transaction, Verdict

VERSION = "0.1.0"
EVERY_TENTH = [
    *range(0, independent.LISTS, 10),
    *range(independent.LISTS, independent.LISTS + independent.REGISTERS, 9),
]
EVERY = range(independent.LISTS + independent.REGISTERS)
EVERY_THIRD = EVERY[::3]

# Seeds at which the other checker defines something differently, with the reason.
KNOWN = {
    7419: "a read that misses the own write is taken for what the next write rests on, which makes "
    "a lost update of what is an internal inconsistency",
}

# In how many of 1,000 histories, lists or not, an anomaly must be met at least.
OFTEN = {
    True: {
        "G0": 4,
        "G1a": 20,
        "G1b": 7,
        "G1c": 4,
        "G-single": 70,
        "G2": 25,
        "G-single-process": 10,
        "G0-realtime": 5,
        "G-single-realtime": 20,
        "OTV": 5,
        "dirty-update": 10,
        "duplicate-elements": 5,
        "incompatible-order": 35,
        "internal": 7,
        "lost-update": 10,
        "non-repeatable-read": 35,
    },
    False: {
        "G1a": 7,
        "G1b": 1,
        "G-single": 8,
        "G2": 20,
        "G-single-process": 10,
        "G-single-realtime": 20,
        "cyclic-versions": 9,
        "internal": 3,
        "lost-update": 8,
        "non-repeatable-read": 20,
    },
}


def ours(seed: int, history: Sequence[Transaction], model: str) -> Verdict:
    if independent.is_of_lists(seed):
        return check_lists(history, model)
    return check_registers(history, model, **independent.assumption(seed)[1])


class Comparison:
    """Where the verdicts differ, how often which was given, and who found what how often."""

    def __init__(self, seeds: Iterable[int]) -> None:
        self.found: list[str] = []
        self.given: Counter[tuple[bool, str, bool]] = Counter()
        self.histories_with: Counter[tuple[bool, str]] = Counter()
        recorded = independent.recorded()
        for seed in seeds:
            self.compare(seed, recorded[seed])

    def compare(self, seed: int, recorded: int) -> None:
        lists = independent.is_of_lists(seed)
        history = independent.history_of(seed)
        names: set[str] = set()
        for bit, model in enumerate(independent.MODELS):
            theirs = bool(recorded >> bit & 1)
            self.given[lists, model, theirs] += 1
            verdict = ours(seed, history, model)
            names.update(verdict.names)
            if verdict.valid != theirs and seed not in KNOWN:
                self.found.append(f"seed {seed}, {model}: {theirs} there, here {verdict.names}")
        strict = bool(recorded >> independent.MODELS.index("strict-serializable") & 1)
        verdict = ours(seed, history, "SERIALIZABLE")
        names.update(verdict.names)
        if verdict.valid != strict and seed not in KNOWN:
            self.found.append(f"seed {seed}: SERIALIZABLE is not as strict-serializable")
        self.histories_with.update((lists, name) for name in names)

    def assert_equal_and_often(self) -> None:
        """No difference; and each model was kept and broken often, each anomaly met often."""
        assert self.found == []
        histories = sum(self.given.values()) / len(independent.MODELS)
        for lists in (True, False):
            for model in independent.MODELS:
                assert self.given[lists, model, True] >= histories / 8, (lists, model)
                assert self.given[lists, model, False] >= histories / 125, (lists, model)
            for name, floor in OFTEN[lists].items():
                assert self.histories_with[lists, name] >= floor * histories / 1000, (lists, name)


def test_a_tenth_of_the_recorded_verdicts_is_the_same() -> None:
    Comparison(EVERY_TENTH).assert_equal_and_often()


@pytest.mark.slow
def test_a_third_of_the_recorded_verdicts_is_the_same() -> None:
    assert len(independent.recorded()) == len(EVERY) == 10_000
    Comparison(EVERY_THIRD).assert_equal_and_often()


@pytest.mark.cargo
def test_the_recorded_verdicts_are_what_the_other_checker_says() -> None:
    answers = independent.ask(built(), EVERY_TENTH)
    recorded = independent.recorded()
    assert answers == {seed: recorded[seed] for seed in EVERY_TENTH}


def built() -> Path:
    """The other checker, built once and kept."""
    folder = ROOT / ".cache" / "adya"
    program = folder / "bin" / ("adya.exe" if os.name == "nt" else "adya")
    if not program.exists():
        cargo = shutil.which("cargo")
        assert cargo is not None, "cargo is not there: install Rust, or leave this test out"
        question = ["install", "adya", "--version", VERSION, "--locked", "--no-default-features"]
        quick = ["--debug", "--root", str(folder)]  # compiles in half the time
        subprocess.run([cargo, *question, *quick], check=True, timeout=900)
    return program
