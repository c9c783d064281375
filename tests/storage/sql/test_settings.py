"""What URLs and properties say of a server."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
from scalar_tx.storage.mysql.settings import Tls, mysql_settings
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


@pytest.mark.parametrize(
    "parameters, limits",
    [
        ([], (10, 30, 40)),
        (["reply_timeout=10"], (6.4, 8, 10)),
        (["reply_timeout=10", "lock_timeout=3", "statement_timeout=5"], (3, 5, 10)),
        (["reply_timeout=10", "lock_timeout=20", "statement_timeout=60"], (6.4, 8, 10)),
        (["lock_timeout=60", "statement_timeout=120"], (60, 120, 130)),
        (["statement_timeout=0"], (10, 38, 40)),
        (["lock_timeout=0", "reply_timeout=0"], (24, 30, 40)),
        (["reply_timeout=1"], (0.64, 0.8, 1)),
    ],
)
def test_the_client_gives_up_last_in_whatever_order_the_limits_stand(
    parameters: list[str], limits: tuple[float, float, float]
) -> None:
    for read, scheme in ((postgresql_settings, "postgresql"), (mysql_settings, "mysql")):
        for order in permutations(parameters):
            found = read(given(f"{scheme}://db/x?{'&'.join(order)}", scheme)).limits
            assert (found.lock_s, found.statement_s, found.reply_s) == pytest.approx(limits)


@pytest.mark.parametrize("mode", ["", "preferred", "required", "true", "verify-ca", "VERIFY-FULL"])
@pytest.mark.parametrize("name", ["sslMode", "useSSL"])
@pytest.mark.parametrize("authority", ["sslca", "serverSslCert"])
def test_an_authority_that_is_named_is_asked_in_every_order(
    mode: str, name: str, authority: str
) -> None:
    parts = [f"{authority}=/a.pem", "sslcert=/c.pem", "sslkey=/k.pem"]
    for order in permutations([*parts, f"{name}={mode}"] if mode else parts):
        tls = mysql_settings(given(f"mysql://db/x?{'&'.join(order)}", "mysql")).tls
        assert tls == Tls(verify=True, authority="/a.pem", certificate="/c.pem", key="/k.pem"), (
            order
        )


@pytest.mark.parametrize("mode", ["disable", "disabled", "false", "trust"])
def test_an_authority_that_would_not_be_asked_is_refused_in_every_order(mode: str) -> None:
    for order in permutations(["sslca=/a.pem", f"sslMode={mode}"]):
        with pytest.raises(SettingsError, match="checks nobody"):
            mysql_settings(given(f"mysql://db/x?{'&'.join(order)}", "mysql"))


@pytest.mark.parametrize(
    "parameters, wanted",
    [
        ([], Tls()),
        (["sslMode=preferred"], Tls()),
        (["sslMode=disable", "sslcert=/c"], Tls(off=True, certificate="/c")),
        (["sslcert=/c", "sslkey=/k"], Tls(verify=False, certificate="/c", key="/k")),
        (["sslMode=preferred", "sslcert=/c"], Tls(verify=False, certificate="/c")),
        (["sslMode=required", "sslcert=/c"], Tls(verify=False, certificate="/c")),
        (["sslMode=verify-full", "sslcert=/c"], Tls(verify=True, certificate="/c")),
        (["sslMode=verify-full", "useSSL=false"], Tls(verify=True)),
        (["sslMode=trust", "useSSL=true"], Tls(verify=False)),
    ],
)
def test_tls_without_an_authority_in_every_order(parameters: list[str], wanted: Tls) -> None:
    for order in permutations(parameters):
        assert mysql_settings(given(f"mysql://db/x?{'&'.join(order)}", "mysql")).tls == wanted


def test_a_word_of_tls_that_is_unknown_is_refused() -> None:
    with pytest.raises(SettingsError, match="useSSL=perhaps"):
        mysql_settings(given("mysql://db/x?useSSL=perhaps&sslMode=required", "mysql"))


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
