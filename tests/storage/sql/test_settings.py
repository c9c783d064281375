"""What URLs and properties say of a server."""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
from scalar_tx.storage.mysql.settings import mysql_settings
from scalar_tx.storage.postgresql.settings import postgresql_settings


def given(point: str, kind: str = "jdbc", **more: Any) -> StorageSettings:
    return StorageSettings(kind, (point,), **more)


@pytest.mark.parametrize(
    "point, place, user, password",
    [
        ("jdbc:postgresql://db:6000/shop", "db:6000/shop", None, None),
        ("postgresql://me:a%40b@db/shop", "db:5432/shop", "me", "a@b"),
        ("postgres://me@[::1]:7/shop", "::1:7/shop", "me", None),
        ("jdbc:postgresql:///shop", "localhost:5432/shop", None, None),
        ("jdbc:postgresql://db/shop?user=me&password=s%26t", "db:5432/shop", "me", "s&t"),
        ("postgresql://me@db", "db:5432/me", "me", None),
    ],
)
def test_addresses(point: str, place: str, user: str | None, password: str | None) -> None:
    address = postgresql_settings(given(point)).address
    assert (address.place, address.user, address.password) == (place, user, password)
    assert "s&t" not in repr(address)


def test_properties_win_over_the_url() -> None:
    settings = given("mysql://me:x@db/shop", username="you", password="y")
    address = mysql_settings(settings).address
    assert (address.user, address.password, address.place) == ("you", "y", "db:3306/shop")


@pytest.mark.parametrize(
    "point",
    ["", "jdbc:postgresql:shop", "mysql://db/x", "postgresql://a,b/x", "postgresql://db:99999/x",
     "postgresql://db:x/x", "postgresql://db/x?sslmode", "postgresql://db/x?nonsense=1",
     "postgresql://db/x?sslmode=perhaps", "postgresql://db/x?connect_timeout=soon"],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused(point: str) -> None:
    with pytest.raises(SettingsError) as caught:
        postgresql_settings(StorageSettings("postgresql", (point,) if point else ()))
    assert caught.value.advice


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(SettingsError) as caught:
        postgresql_settings(given("postgresql://me:hush@a,b/x", "postgresql"))
    assert "hush" not in str(caught.value)


def test_limits_and_tls() -> None:
    found = postgresql_settings(
        given("jdbc:postgresql://db/x?ssl=true&socketTimeout=70&currentSchema=a&lock_timeout=2")
    )
    assert found.libpq == {"sslmode": "verify-full"}
    assert (found.limits.reply_s, found.limits.lock_s) == (70, 2)
    longer = postgresql_settings(given("postgresql://db/x?statement_timeout=120"))
    assert longer.limits.reply_s == 130, "the client gives up last"
    java = mysql_settings(given("jdbc:mysql://db/x?socketTimeout=7000&sslMode=VERIFY_IDENTITY"))
    assert java.limits.reply_s == 7
    assert java.tls.verify is True
    assert mysql_settings(given("jdbc:mariadb://db/x?sslMode=trust")).tls.verify is False
    assert (
        postgresql_settings(given("postgresql://db/x?prepareThreshold=0")).prepare_threshold is None
    )


def test_the_size_of_keys() -> None:
    name = "scalar.db.jdbc.mysql.variable_key_column_size"
    assert mysql_settings(given("jdbc:mysql://db/x", properties={name: "200"})).key_size == 200
    assert mysql_settings(given("jdbc:mariadb://db/x", properties={name: "200"})).key_size == 128
    with pytest.raises(SettingsError, match=name):
        mysql_settings(given("jdbc:mysql://db/x", properties={name: "63"}))


def test_the_pool_and_the_metadata_schema() -> None:
    access = mysql_settings(
        given(
            "mysql://db/x",
            connection_pool=ConnectionPoolSettings(max_total=7, max_idle=3),
            properties={"scalar.db.jdbc.table_metadata.schema": "meta"},
        )
    ).access
    assert (access.most, access.idle, access.metadata_schema) == (7, 3, "meta")
