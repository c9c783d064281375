"""How is a call of one request and one answer served?

It runs to its end also where its client gives it up, and only then leaves the gate.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.intake import Large, taken
from scalar_tx.cluster.scalardb_server.statuses import end_with
from scalar_tx.runtime.aio import finish_before_cancelling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.statuses import Context

    Work = Callable[[Any], Coroutine[Any, Any, Any]]
    Handler = Callable[[Any, Context], Coroutine[Any, Any, Any]]


def called(
    work: Work,
    gate: Gate | None = None,
    counted: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Handler:
    """The handler of a method; an exception of its work becomes the call's status.

    ``gate``: what must admit the call. ``counted``: what counts it, if it is admitted.
    """

    async def call(request: Any, context: Context) -> Any:
        try:
            if isinstance(request, Large):
                request = await request.read(context.peer() or "")
            taken(request)
            with nullcontext() if gate is None else gate.admit(), counted():
                return await finish_before_cancelling(work(request))
        except Exception as error:  # noqa: BLE001  # it becomes the call's status
            await end_with(context, error)

    return call
