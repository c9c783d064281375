"""What may a message of a type look like, made from its descriptor alone?

Names and ids come from a small pool, so that what is made often speaks of what is there.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.descriptor import Descriptor, EnumDescriptor

DEEPEST: Final = 5  # messages in each other
_COUNT: Final = st.integers(0, 3)  # elements of a repeated field
_BITS: Final = 8  # Hypothesis prefers the small ones of integers that have many more

WORDS: Final = (
    *("shop.orders", "shop", "orders", "coordinator.state", "scalar_tx_node.users", "nowhere.none"),
    *(
        "owner",
        "at",
        "kind",
        "size",
        "total",
        "note",
        "scan",
        "tx_id",
        "tx_state",
        "-at",
        "at DESC",
    ),
    *("t-1", "t-2", "ada", "user:ada", "role:clerks", "clerks", "SELECT", "INT", "TEXT", "BIGINT"),
    *("", "x", "a.b.c", "%", "\0", "\u2028", "é" * 300, "NaN", "{}", "[1]", "0" * 40),
)
_EDGES: Final = (0, 1, 2, 3, 5, -1, 255, 1000, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**64 - 1)

_WORD: Final = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=9
)
_BYTES: Final = st.sampled_from([b"", b"\0", b"x" * 1000]) | st.binary(max_size=9)
_FLOAT: Final = st.sampled_from([0.0, -0.0, 1e308, -5.0, 0.001]) | st.floats()


def _whole(least: int, most: int) -> st.SearchStrategy[int]:
    edges = [one for one in _EDGES if least <= one <= most]
    return st.sampled_from(edges) | st.integers(least, most)


_KINDS: Final = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: _whole(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _whole(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _whole(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _whole(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: _FLOAT,
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
}


def message_of(draw: Callable[[Any], Any], kind: Descriptor, depth: int = 0) -> Any:
    """A message of that type."""
    message = GetMessageClass(kind)()
    for field in _chosen(draw, kind, depth):
        if field.label != FieldDescriptor.LABEL_REPEATED:
            _set(draw, message, field, depth)
            continue
        among = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for _ in range(draw(_COUNT)):
                among[draw(_WORD)] = _scalar(draw, field.message_type.fields_by_name["value"])
            continue
        for _ in range(draw(_COUNT)):
            if field.message_type is not None:
                among.append(message_of(draw, field.message_type, depth + 1))
            else:
                among.append(_scalar(draw, field))
    return message


def _chosen(draw: Callable[[Any], Any], kind: Descriptor, depth: int) -> Iterator[FieldDescriptor]:
    """Each field or not, and of each choice one that is allowed at that depth, or none.

    One draw says it of many fields: a draw for each took most of the time of all that is made.
    """
    plain, choices = _fields(kind, deeper=depth < DEEPEST)
    for first in range(0, len(plain), _BITS):
        some = plain[first : first + _BITS]
        mask = draw(_masks(len(some)))
        yield from (field for bit, field in enumerate(some) if mask >> bit & 1)
    for members in choices:
        if which := draw(_up_to(len(members))):
            yield members[which - 1]


@cache
def _fields(
    kind: Descriptor, *, deeper: bool
) -> tuple[list[FieldDescriptor], list[list[FieldDescriptor]]]:
    """What may be in a message by itself, and what excludes each other."""
    choices = [[*one.fields] for one in kind.oneofs if len(one.fields) > 1]
    excluding = {field.number for members in choices for field in members}
    plain = [field for field in kind.fields if field.number not in excluding]
    allowed = [
        [one for one in some if deeper or not one.message_type] for some in [plain, *choices]
    ]
    return allowed[0], allowed[1:]


@cache
def _masks(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


@cache
def _up_to(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def _set(draw: Callable[[Any], Any], message: Any, field: FieldDescriptor, depth: int) -> None:
    if field.message_type is not None:
        inner = message_of(draw, field.message_type, depth + 1)
        getattr(message, field.name).CopyFrom(inner)
    else:
        setattr(message, field.name, _scalar(draw, field))


def _scalar(draw: Callable[[Any], Any], field: FieldDescriptor) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return draw(_numbers(field.enum_type))
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return draw(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else _WORD)
    return draw(_KINDS[field.cpp_type])


@cache
def _numbers(kind: EnumDescriptor) -> st.SearchStrategy[int]:
    return st.sampled_from([one.number for one in kind.values]) | st.integers(-1, 99)


@st.composite
def mutated(draw: Any, body: bytes) -> bytes:
    """The bytes of a message with some of them changed, dropped, doubled or cut off."""
    changed = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        how = draw(st.integers(0, 4))
        piece = draw(st.binary(min_size=1, max_size=6))
        if how == 0:
            changed[at : at + len(piece)] = piece
        elif how == 1:
            changed[at:at] = piece
        elif how == 2:
            del changed[at : at + len(piece)]
        elif how == 3:
            changed[at:at] = changed[: draw(st.integers(0, len(changed)))]
        else:
            del changed[at:]
    return bytes(changed)
