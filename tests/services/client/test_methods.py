"""Has each call of the protocol its typed method, and does each argument reach its field?"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from scalar_auditor.client import AuditorClient, connect
from tests.services.client.scripted import Scripted
from tests.services.stage import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERWISE = {"Login": "log_in", "Logout": "log_out"}
# What a method takes under another name, and what nobody gives.
RENAMED = {("ExportReport", "format"): "report_format"}
WITHOUT_A_TOKEN = {"Login", "Refresh", "RequestPasswordReset", "ResetPassword"}
LEFT_OUT = {("AddGroupMember", "added_at")}


def attribute(name: str) -> tuple[str, str]:
    service = METHODS[name].containing_service.name.removesuffix("Service").lower()
    return service, OTHERWISE.get(name, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        yield made


@pytest.fixture(scope="module")
def client(server: Scripted) -> Iterator[AuditorClient]:
    with connect(server.target, token="ours") as made:
        yield made


def some(field: Any) -> Any:
    """A value of the field's type that no default is."""
    if field.message_type is not None:
        message = GetMessageClass(field.message_type)()
        inner = field.message_type.fields[0]
        setattr(message, inner.name, some(inner))
        return [message] if field.label == field.LABEL_REPEATED else message
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    value: Any = {field.TYPE_STRING: f"some {field.name}", field.TYPE_BOOL: True}.get(field.type, 7)
    return [value] if field.label == field.LABEL_REPEATED else value


@pytest.mark.parametrize("name", METHODS)
def test_every_argument_reaches_its_field(
    server: Scripted, client: AuditorClient, name: str
) -> None:
    service, method = attribute(name)
    call = getattr(getattr(client, service), method)
    takes = METHODS[name].input_type
    given = {
        field.name: some(field)
        for field in takes.fields
        if field.name != "page" and (name, field.name) not in LEFT_OUT
    }
    arguments = {RENAMED.get((name, field), field): value for field, value in given.items()}
    expected: Any = GetMessageClass(takes)(**given)
    if name == "UpsertItem":  # the request is the item itself
        arguments = {"item": expected}
    if "page" in takes.fields_by_name:
        arguments["page_size"] = 7
        expected.page.page_size = 7
    assert set(inspect.signature(call).parameters) == set(arguments)
    if METHODS[name].output_type.name == "Steps":
        server.says[name] = [GetMessageClass(METHODS[name].output_type)(finished=True)]
    found = call(**arguments)
    if inspect.isgenerator(found):
        list(found)
    assert server.asked[-1].method == name
    assert server.asked[-1].request == expected
    assert server.asked[-1].token == ("" if name in WITHOUT_A_TOKEN else "ours")


def test_there_is_no_other_method(client: AuditorClient) -> None:
    ours = {
        (service, name)
        for service in ("audit", "verification", "event", "item", "identity")
        for name, _ in inspect.getmembers(getattr(client, service), inspect.ismethod)
        if not name.startswith("_")
    }
    assert ours == set(map(attribute, METHODS))
