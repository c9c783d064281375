"""Which ids are no transaction's, and is one of megabytes refused in a few words?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.transaction_id import check_callers_id, check_known_id
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Callable

GIANT = 4 * 2**20


@pytest.mark.parametrize("check", [check_callers_id, check_known_id])
@pytest.mark.parametrize("wrong", ["x" * GIANT, "\1" * GIANT, "", "tab\t", b"x" * GIANT, 5])
def test_what_is_no_id_is_refused_in_a_few_words(
    check: Callable[[object], str], wrong: object
) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        check(wrong)
    assert caught.value.code == "STX-3030"
    assert len(caught.value.message) < 200


def test_an_id_that_is_asked_about_may_be_longer_than_our_own() -> None:
    assert check_known_id("x" * 2048) == "x" * 2048
    with pytest.raises(InvalidOperationError):
        check_known_id("x" * 2049)
