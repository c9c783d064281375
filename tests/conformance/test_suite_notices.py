"""Does the conformance suite notice a storage that breaks its promises?

Each fault is planted in the memory storage, which by itself passes; the test named beside it must
then fail. The test is called as pytest would call it, once for each of its parameters.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import ScalarTxError, StorageError
from scalar_tx.storage.conformance import BlockingRunner, Place, StorageConformance, Subject
from scalar_tx.storage.conformance.lab import Lab
from tests.conformance.faults.planted import FAULTS, GOOD, GOOD_BY_RECORD, GOOD_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["pytester"]


def parameters(test: Any) -> Iterator[dict[str, Any]]:
    """Every combination of the test's parametrize marks."""
    axes = [
        [
            dict(zip(names, values if len(names) > 1 else (values,), strict=True))
            for values in mark.args[1]
        ]
        for mark in getattr(test, "pytestmark", ())
        for names in [mark.args[0].split(",")]
    ]
    for combination in itertools.product(*axes):
        yield {name: value for part in combination for name, value in part.items()}


def failure(subject: Subject, name: str, folder: Path) -> Exception | None:
    """The error by which the storage fails that test with one of its parameters, if it does."""
    runner = BlockingRunner()
    lab = Lab(subject, runner, Place(folder, runner))
    test = getattr(StorageConformance, name)
    for values in parameters(test):
        try:
            test(StorageConformance(), lab, **values)
        except Exception as error:  # noqa: BLE001  # judged by the caller
            return error
    return None


@pytest.mark.parametrize("fault, test", FAULTS)
def test_a_planted_fault_is_noticed(fault: str, test: str, tmp_path: Path) -> None:
    error = failure(FAULTS[fault, test], test, tmp_path)
    assert error is not None, f"{test} passes although {fault}"
    # Not by a slip in the fault itself.
    assert isinstance(error, AssertionError | ScalarTxError | StorageError), repr(error)


@pytest.mark.parametrize("test", sorted({test for _, test in FAULTS}))
def test_without_a_fault_it_passes(test: str, tmp_path: Path) -> None:
    needs_reopen = hasattr(getattr(StorageConformance, test), "needs_reopen")
    for number, subject in enumerate((GOOD_SHARED, GOOD_BY_RECORD)):
        (tmp_path / str(number)).mkdir()
        if subject.reopen is not None or not needs_reopen:
            assert failure(subject, test, tmp_path / str(number)) is None


def test_an_exclusion_must_name_a_test() -> None:
    with pytest.raises(TypeError, match="test_nothing"):
        type(
            "Unknown",
            (StorageConformance,),
            {"subject": Subject(open=GOOD.open, exclusions={"test_nothing": "no such test"})},
        )


def test_two_topics_may_not_share_a_test_name() -> None:
    async def test_orders(self: object, lab: Lab) -> None:
        raise AssertionError("never called")

    topic = type("Topic", StorageConformance.__mro__[-2:-1], {"test_orders": test_orders})
    with pytest.raises(TypeError, match="test_orders"):
        type("Both", (StorageConformance, topic), {})


def test_under_pytest(pytester: pytest.Pytester) -> None:
    """A fault fails, a declared one is expected to, and an exclusion without need is an error."""
    pytester.makepyfile(
        """
        from scalar_tx.storage.conformance import StorageConformance, Subject
        from tests.conformance.faults.writes import IgnoresExplicitNone

        REASON = {"test_an_explicit_none_sets_null": "keeps what was there"}
        NEEDLESS = {"test_a_write_makes_the_record": "no reason at all"}

        class TestFaulty(StorageConformance):
            subject = Subject(open=lambda _: IgnoresExplicitNone())

        class TestDeclared(StorageConformance):
            subject = Subject(open=lambda _: IgnoresExplicitNone(), exclusions=REASON)

        class TestNeedless(StorageConformance):
            subject = Subject(open=lambda _: IgnoresExplicitNone(), exclusions=NEEDLESS)
        """
    )
    result = pytester.runpytest_inprocess(
        "-k", "test_an_explicit_none_sets_null or test_a_write_makes_the_record", "-rA"
    )
    result.assert_outcomes(passed=4, failed=6, xfailed=2)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED *TestFaulty::test_an_explicit_none_sets_null?blocking?*",
            "FAILED *TestFaulty::test_an_explicit_none_sets_null?asyncio?*",
            "XFAIL *TestDeclared::test_an_explicit_none_sets_null?asyncio?*",
            "FAILED *TestNeedless::test_a_write_makes_the_record?blocking?*",
        ]
    )
