"""Are the generated messages those of the open ScalarDB Server protocol, number by number?

``scalardb_protocol.json`` holds the protocol's facts, taken from the releases that speak it and not
from our .proto files: a slip in those would otherwise go unnoticed until a Java client meets it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor

from scalar_tx.cluster.rpc import scalar_admin_pb2, scalardb_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

Facts = dict[str, dict[str, dict[str, str] | dict[str, list[str]]]]

FACTS = cast(
    "Facts", json.loads(Path(__file__).with_name("scalardb_protocol.json").read_text("utf-8"))
)
FILES = {file.name: file for file in (scalardb_pb2.DESCRIPTOR, scalar_admin_pb2.DESCRIPTOR)}

SCALARS = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
}


def all_messages(file: FileDescriptor) -> Iterator[Descriptor]:
    """Also those inside others, but not the entries that protoc makes of maps."""
    waiting = list(file.message_types_by_name.values())
    while waiting:
        message = waiting.pop()
        if not message.GetOptions().map_entry:
            yield message
            waiting.extend(message.nested_types)


def all_enums(file: FileDescriptor) -> Iterator[EnumDescriptor]:
    yield from file.enum_types_by_name.values()
    for message in all_messages(file):
        yield from message.enum_types


def type_name(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return str(field.message_type.full_name)
    if field.enum_type is not None:
        return str(field.enum_type.full_name)
    return SCALARS[field.type]


def is_repeated(field: FieldDescriptor) -> bool:
    """Asked in the one way that all releases of protobuf since 5 have."""
    message = descriptor_pb2.DescriptorProto()
    field.containing_type.CopyToProto(message)
    (label,) = (one.label for one in message.field if one.number == field.number)
    return label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED


def described(field: FieldDescriptor) -> str:
    kind = type_name(field)
    within = field.containing_oneof
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        kind = f"map<{type_name(key)}, {type_name(value)}>"
    elif is_repeated(field):
        kind = f"repeated {kind}"
    elif within is not None and within.name == f"_{field.name}":  # how proto3 notes optional
        kind, within = f"optional {kind}", None
    text = f"{field.number} {kind} {field.name}"
    if within is not None:
        text += f" in {within.name}"
    return f"{text} deprecated" if field.GetOptions().deprecated else text


def methods(file: FileDescriptor) -> dict[str, str]:
    def side(message: Descriptor, *, streams: bool) -> str:
        return f"stream {message.full_name}" if streams else message.full_name

    return {
        f"/{service.full_name}/{method.name}": side(
            method.input_type, streams=method.client_streaming
        )
        + " -> "
        + side(method.output_type, streams=method.server_streaming)
        for service in file.services_by_name.values()
        for method in service.methods
    }


def test_the_facts_are_of_our_two_files() -> None:
    assert sorted(FACTS) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_methods_are_those_of_the_protocol(name: str) -> None:
    assert methods(FILES[name]) == FACTS[name]["methods"]


@pytest.mark.parametrize("name", FILES)
def test_fields_are_those_of_the_protocol(name: str) -> None:
    ours = {
        message.full_name: sorted(map(described, message.fields), key=number)
        for message in all_messages(FILES[name])
    }
    assert ours == FACTS[name]["messages"]


@pytest.mark.parametrize("name", FILES)
def test_enum_values_are_those_of_the_protocol(name: str) -> None:
    ours = {
        enum.full_name: sorted((f"{v.number} {v.name}" for v in enum.values), key=number)
        for enum in all_enums(FILES[name])
    }
    assert ours == FACTS[name]["enums"]


def number(line: str) -> int:
    return int(line.partition(" ")[0])


def test_bytes_are_those_of_the_java_server() -> None:
    """Of a scan's page, and of a record with a NULL among its columns."""
    page = scalardb_pb2.ScanResponse(has_more_results=True)
    assert page.SerializeToString().hex() == "1801"
    column = scalardb_pb2.Column
    record = scalardb_pb2.Result(
        columns=[column(name="v", int_value=1), column(name="w"), column(name="pk", int_value=1)]
    )
    response = scalardb_pb2.TransactionResponse(
        get_response=scalardb_pb2.TransactionResponse.GetResponse(result=record)
    )
    expected = "1216 0a14 1205 0a0176 1801 1203 0a0177 1206 0a02706b 1801"
    assert response.SerializeToString() == bytes.fromhex(expected)
