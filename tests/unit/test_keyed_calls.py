"""Which calls are the same call?"""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.keyed_calls import KeyedFunction, keyed_function

ROOT = Path(__file__).parents[2]
UNKNOWN = object()


def pay(tx: Any, source: int, amount: int = 5000, *, note: object = UNKNOWN, **more: Any) -> None:
    """A function as they are decorated."""


def keyed(function: Any = pay, key: Any = "k", scope: str | None = None, place: int = 0) -> Any:
    found = keyed_function(function, key, scope, place=place)
    assert isinstance(found, KeyedFunction)
    return found


def digest(*args: Any, **kwargs: Any) -> bytes:
    found: bytes = keyed().call(args, kwargs).digest
    return found


def test_how_arguments_are_handed_over_does_not_matter() -> None:
    assert len(digest(1)) == 32
    assert digest(1, 2) == digest(1, amount=2) == digest(amount=2, source=1)
    assert (
        digest(1)
        == digest(1, int("5000"))
        == digest(source=1, amount=5000)
        == digest(1, note=UNKNOWN)
    )
    assert digest(1, x={"a": 1, "b": 2}, y=3) == digest(1, y=3, x={"b": 2, "a": 1})


def test_other_arguments_are_another_call() -> None:
    different = [
        digest(1),
        digest(2),
        digest(1, 2),
        digest(True),
        digest(1.0),
        digest("1"),
        digest([1]),
        digest((1,)),
        digest(None),
        digest(1, note=None),
        digest(1, note="5"),
        digest(1, x=1),
        digest(1, y=1),
        digest(1, x={1: 2}),
        digest(1, x={"1": 2}),
    ]
    assert len(set(different)) == len(different)


def test_a_new_parameter_with_a_default_changes_nothing() -> None:
    def later(tx: Any, source: int, amount: int = 5000, *, currency: str = "EUR") -> None:
        pass

    assert keyed(later).call((1, 2), {}).digest == digest(1, 2)
    assert keyed(later).call((1, 2), {"currency": "USD"}).digest != digest(1, 2)


def test_any_number_of_arguments() -> None:
    def several(tx: Any, *numbers: int) -> None:
        pass

    def whatever(*args: Any, **kwargs: Any) -> None:
        pass

    for function in (several, whatever):
        one = keyed(function)
        assert one.call((1, 2), {}).digest == one.call((1, 2), {}).digest
        assert one.call((1, 2), {}).digest != one.call((2, 1), {}).digest


def test_the_instance_of_a_method_takes_no_part() -> None:
    class Bank:
        def pay(self, tx: Any, source: int) -> None:
            pass

    method = keyed(Bank.pay, place=1)
    assert method.call((Bank(), 1), {}).digest == method.call((Bank(), 1), {}).digest
    assert method.call((Bank(), 1), {}).digest != method.call((Bank(), 2), {}).digest
    assert method.call((Bank(), 1), {}).scope.endswith("Bank.pay")
    assert keyed(Bank().pay).call((1,), {}).digest == method.call((Bank(), 1), {}).digest


def test_the_key() -> None:
    assert keyed(key="a").call((1,), {}).key == "a"
    assert keyed(key=lambda source, note: f"{source}-{note}").call((1,), {"note": 2}).key == "1-2"
    for wrong in ("", 1, b"k", True):
        with pytest.raises(InvalidOperationError) as caught:
            keyed(key=wrong)
        assert caught.value.code == "STX-3070"
        with pytest.raises(InvalidOperationError) as caught:
            keyed(key=lambda _, result=wrong: result).call((1,), {})
        assert caught.value.code == "STX-3070"
        assert "pay" in caught.value.message


def test_the_scope() -> None:
    assert keyed().call((1,), {}).scope == f"{__name__}.pay"
    assert keyed(scope="money").call((1,), {}).scope == "money"
    assert keyed(functools.partial(pay, amount=1), scope="s").call((1,), {}).scope == "s"
    for wrong in ("", 1):
        with pytest.raises(InvalidOperationError):
            keyed(scope=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidOperationError, match="scope"):
        keyed(functools.partial(pay, amount=1))
    with pytest.raises(InvalidOperationError, match="no key="):
        keyed_function(pay, None, "money")
    with pytest.raises(InvalidOperationError, match="read_only"):
        keyed_function(pay, "k", None, read_only=True)
    assert keyed_function(pay, None, None, read_only=True) is None


SCOPE = """
from scalar_tx.keyed_calls import keyed_function

def pay(tx): ...

print(keyed_function(pay, "k", None).call((), {}).scope)
"""


def test_a_module_that_is_run_is_the_module_that_is_imported(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SCOPE)

    def scope(*how: str) -> str:
        path = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        command = [sys.executable, *how]
        done = subprocess.run(command, env=path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert scope("-m", "shop") == scope("-c", "import shop") == "shop.pay"
    assert scope(str(tmp_path / "shop.py")) == "__main__.pay"


def test_arguments_that_can_t_be_compared_later() -> None:
    with pytest.raises(InvalidOperationError, match="argument 'source' of pay is set") as caught:
        digest({1})
    assert caught.value.code == "STX-3072"
    with pytest.raises(TypeError, match="source"):
        digest()
    with pytest.raises(InvalidOperationError, match="which arguments"):
        keyed(getattr)
