"""How does an ``async def`` test become one that pytest runs, once on each runner?"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest

from scalar_tx.storage.conformance.subject import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from scalar_tx.storage.conformance.runners import Runner

from scalar_tx.storage.conformance.lab import Lab

T = TypeVar("T")


def needs_reopen(test: T) -> T:
    """Mark a test that makes sense only where data outlives the storage."""
    test.needs_reopen = True  # type: ignore[attr-defined]
    return test


def _on_runner(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(self: Topic, lab: Lab, **values: Any) -> None:
        lab.runner.run(lambda: test(self, lab, **values))

    return run


def _tests_of(cls: type) -> dict[str, Any]:
    return {name: item for name, item in vars(cls).items() if name.startswith("test_")}


class Topic:
    """The base of the suite's classes: their ``async def`` tests run on each of the runners."""

    subject: ClassVar[Subject]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owners: dict[str, type] = {}
        for base in cls.__mro__:
            for name in _tests_of(base):
                # Two topics with one name would leave one of them silently unasked.
                if owners.setdefault(name, base) is not base and base not in owners[name].__mro__:
                    raise TypeError(f"{name} is in {owners[name].__name__} and {base.__name__}")
        for name, test in _tests_of(cls).items():
            if inspect.iscoroutinefunction(test):
                setattr(cls, name, _on_runner(test))
        if "subject" in vars(cls):
            cls._suit(owners)

    @classmethod
    def _suit(cls, tests: dict[str, type]) -> None:
        unknown = set(cls.subject.exclusions) - set(tests)
        if unknown:
            raise TypeError(f"the exclusions name no test: {', '.join(sorted(unknown))}")
        if cls.subject.reopen is None:
            for name in tests:
                if hasattr(getattr(cls, name), "needs_reopen"):
                    setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test once on each runner."""
        if "shared_lab" in metafunc.fixturenames:
            runners = self.subject.runners
            names = [runner.name for runner in runners]  # type: ignore[attr-defined]
            metafunc.parametrize("shared_lab", runners, ids=names, indirect=True, scope="class")

    @pytest.fixture(scope="class")
    @classmethod
    def shared_lab(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Lab]:
        """One storage for all tests of a class on one runner."""
        runner: Runner = request.param()
        lab = Lab(cls.subject, runner, Place(tmp_path_factory.mktemp("storage"), runner))
        yield lab
        runner.run(lab.close)
        runner.close()

    @pytest.fixture
    def lab(self, request: pytest.FixtureRequest, shared_lab: Lab) -> Lab:
        """The shared lab; declared exclusions are expected to fail."""
        reason = self.subject.exclusions.get(request.function.__name__)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        return shared_lab
