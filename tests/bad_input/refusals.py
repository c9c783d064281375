"""What is a good refusal?"""

from __future__ import annotations

import re
from typing import Any

from scalar_tx.errors import ScalarTxError
from tests.faces.either import now


def blanks(error: ScalarTxError) -> list[str]:
    """What an error leaves out of: what happened, what to do next, a code, a way to print it."""
    missing = []
    if not error.message.strip():
        missing.append("message")
    if not error.advice.strip():
        missing.append("advice")
    if re.fullmatch(r"STX-\d{4}", error.code) is None or error.code == "STX-0000":
        missing.append("code")
    text = str(error)
    if not (error.message.rstrip(". ") in text and error.code in text):
        missing.append("text")
    if error.advice == ScalarTxError.default_advice:
        missing.append("advice of its own")
    return missing


async def refusal(call: Any, *args: Any, **kwargs: Any) -> Exception | None:
    """What a call raises; None: it went through."""
    try:
        await now(call(*args, **kwargs))
    except Exception as error:  # noqa: BLE001  # whatever it is, the test judges it
        return error
    return None
