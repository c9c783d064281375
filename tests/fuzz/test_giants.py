"""Is a text of megabytes borne wherever a request may hold one?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from tests.fuzz.methods import METHODS, Method, begin, real_requests
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.nodes

SIZE = 4 * 2**20 - 1000
REAL = real_requests()
TEXTS: dict[int, tuple[str | bytes, ...]] = {
    FieldDescriptor.TYPE_STRING: ("x" * SIZE, "\1" * SIZE),
    FieldDescriptor.TYPE_BYTES: (b"\0" * SIZE,),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("giants")) as made:
        yield made


def places(message: Any, depth: int = 0) -> Iterator[Callable[[Any], Any]]:
    """What puts a text at each place of a message that may hold one: filled, or to be filled."""
    for field in message.DESCRIPTOR.fields:
        repeated = field.label == FieldDescriptor.LABEL_REPEATED
        if field.type in TEXTS:
            put = _append if repeated else _set
            yield from (partial(put, name=field.name, text=text) for text in TEXTS[field.type])
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            yield from _within(message, field, repeated=repeated, depth=depth)


def _append(message: Any, *, name: str, text: str | bytes) -> None:
    getattr(message, name).append(text)


def _set(message: Any, *, name: str, text: str | bytes) -> None:
    setattr(message, name, text)


def _within(message: Any, field: Any, *, repeated: bool, depth: int) -> Any:
    name = field.name
    if repeated:
        if len(getattr(message, name)):
            inner = getattr(message, name)[0]
            for put in places(inner, depth + 1):
                yield lambda one, put=put: put(getattr(one, name)[0])
        elif depth < 2:
            inner = type(message)()
            for put in places(getattr(inner, name).add(), depth + 2):
                yield lambda one, put=put: put(getattr(one, name).add())
    elif message.HasField(name) or depth == 0:
        for put in places(getattr(message, name), depth + 1):
            yield lambda one, put=put: put(getattr(one, name))


def giants(method: Method) -> Iterator[list[bytes]]:
    first = [rpc.Request(begin=begin("giant")).SerializeToString()]
    own_stream = method.described.client_streaming and not method.java
    for real in REAL.get(method.described.input_type.name, [method.request()]):
        for put in places(real):
            request = method.request()
            request.CopyFrom(real)
            put(request)
            yield [*(first if own_stream else ()), request.SerializeToString()]


@pytest.mark.parametrize("java", [False, True], ids=["own", "open protocol"])
def test_a_text_of_megabytes_is_borne_wherever_it_is(target: Target, java: bool) -> None:
    sent = 0
    for method in METHODS:
        if method.java is java:
            target.restore()
            for bodies in giants(method):
                target.bears(method, bodies)
                sent += 1
    print(f"{sent} requests, {target.memory('VmHWM') / 2**20:.0f} MiB")
    assert sent > 50
    target.unharmed()
