"""Does a node bear every request there is, made of anything?"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.fuzz.generated import message_of, mutated
from tests.fuzz.java_requests import java_requests
from tests.fuzz.methods import (
    METHODS,
    OWN,
    SECURITY,
    Method,
    begin,
    real_requests,
)
from tests.fuzz.target import INCIDENT, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nodes

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3000"))
STREAMS = [one for one in METHODS if one.described.client_streaming]
REAL = real_requests() | java_requests()
quick = settings(max_examples=400, suppress_health_check=list(HealthCheck), database=None)
long = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("open")) as made:
        yield made


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A node whose callers log in; the calls are a superuser's."""
    with Target(tmp_path_factory.mktemp("closed"), users=True) as made:
        yield made


@st.composite
def bodies(draw: Any, method: Method) -> list[bytes]:
    """What is sent to a method: messages of its type, real ones changed, or no messages at all."""
    most = 6 if method.described.client_streaming else 1
    if draw(st.integers(0, 9)) == 0:
        found: list[bytes] = draw(st.lists(st.binary(max_size=200), min_size=1, max_size=most))
        return found
    made = [_message(draw, method) for _ in range(draw(st.integers(1, most)))]
    if method.described.client_streaming and draw(st.integers(0, 9)):
        _begin(draw, method, made[0])
    whole = [one.SerializeToString() for one in made]
    if draw(st.integers(0, 4)) == 0:
        which = draw(st.integers(0, len(whole) - 1))
        whole[which] = draw(mutated(whole[which]))
    return whole


def _message(draw: Any, method: Method) -> Any:
    message = message_of(draw, method.described.input_type)
    real = REAL.get(method.described.input_type.name)
    if real and draw(st.booleans()):
        found = method.request()
        found.CopyFrom(draw(st.sampled_from(real)))
        if draw(st.booleans()):
            found.MergeFrom(message)
        return found
    return message


def _begin(draw: Any, method: Method, first: Any) -> None:
    """Most streams begin as they should: behind that is where they get to."""
    if method.java:
        if "Transaction" in method.path:
            first.begin_request.SetInParent()
        return
    name = draw(st.sampled_from(["t-1", "t-2", "t-3"]))
    if draw(st.integers(0, 3)):
        first.begin.CopyFrom(begin(name))
        first.begin.fresh_id = draw(st.booleans())
    else:
        first.begin.transaction_id = name


def fire(target: Target, methods: list[Method], how: settings) -> None:
    """Send so many requests to each group of methods; then look how the target is."""
    before, answered = target.sent, Counter[str]()

    @how
    @given(st.data())
    def one(data: st.DataObject) -> None:
        method = data.draw(st.sampled_from(methods))
        sent = data.draw(bodies(method))
        # A node repeats what it was sent: its own complaints, drawn as a name, would accuse it.
        assume(not INCIDENT.search(b"\0".join(sent).decode("latin-1")))
        answer = target.bears(method, sent)
        answered["done" if answer.replies else "refused"] += 1

    one()
    assert target.sent - before >= how.max_examples
    if len(methods) > 1:  # some get through, and not all
        assert min(answered["done"], answered["refused"]) > how.max_examples // 50, answered
    target.unharmed()


@pytest.mark.parametrize(
    "methods",
    [
        pytest.param(STREAMS, id="streams"),
        pytest.param([one for one in OWN if one not in STREAMS], id="own"),
        pytest.param([one for one in METHODS if one.java], id="open protocol"),
    ],
)
def test_a_node_bears_what_is_sent(target: Target, methods: list[Method]) -> None:
    fire(target, methods, quick)


def test_a_node_with_users_bears_what_is_sent(closed: Target) -> None:
    fire(closed, SECURITY, settings(quick, max_examples=150))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_node_bears_what_is_sent_to(target: Target, method: Method) -> None:
    target.restore()
    fire(
        target, [method], long if method in STREAMS else settings(long, max_examples=EXAMPLES // 5)
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", SECURITY, ids=repr)
def test_a_node_with_users_bears_what_is_sent_to(closed: Target, method: Method) -> None:
    fire(closed, [method], settings(long, max_examples=EXAMPLES // 10))
