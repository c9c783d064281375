"""DynamoDB Local, with one store for all names: each lab has a prefix of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance import Change, Place, Role, StorageConformance, Subject
from scalar_tx.storage.dynamo.storage import DynamoStorage, from_settings

if TYPE_CHECKING:
    from tests.servers import Cluster


class _Server:
    """Where the class's server is; known once its fixture has run."""

    properties: ClassVar[dict[str, str]] = {}


def _open(place: Place) -> DynamoStorage:
    known = {**_Server.properties, "scalar.db.dynamo.namespace.prefix": f"{place.runner.name}_"}
    return from_settings(
        StorageSettings(
            kind="dynamo",
            contact_points=(known["scalar.db.contact_points"],),
            username=known["scalar.db.username"],
            password=known["scalar.db.password"],
            properties=known,
        )
    )


class TestDynamo(StorageConformance):
    subject = Subject(
        open=_open,
        reopen=_open,
        remembers_empty_namespaces=False,
        refuses=frozenset(Change),
        unsupported=frozenset(
            {(DataType.BLOB, Role.CLUSTERING_KEY), (DataType.BOOLEAN, Role.INDEX)}
        ),
    )

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, dynamodb_server: Cluster) -> None:
        _Server.properties = dict(dynamodb_server.properties())
