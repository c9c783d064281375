"""Over which connections is there a console at all?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.console.site import ROOT, Browser, Site

if TYPE_CHECKING:
    from collections.abc import Iterator


def elsewhere() -> str:
    """An address of this machine that is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


class Far(Browser):
    """A browser that comes by another address than the loopback's."""


@pytest.fixture
def far_from(request: pytest.FixtureRequest) -> Iterator[tuple[Site, str]]:
    site = Site(http_host="0.0.0.0", **request.param)
    yield site, elsewhere()
    site.close()


def status(site: Site, host: str, **headers: str) -> tuple[int, str]:
    import http.client

    connection = http.client.HTTPConnection(host, site.port, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/console/api/session", headers=sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("far_from", [{}], indirect=True)
def test_without_tls_it_is_for_this_machine(far_from: Any) -> None:
    site, host = far_from
    code, text = status(site, host)
    assert (code, "over TLS" in text) == (403, True)
    assert status(site, "127.0.0.1")[0] == 200  # so it is through kubectl port-forward
    assert site.browser(ROOT).get("overview").status == 200


@pytest.mark.parametrize("far_from", [{"insecure": True}], indirect=True)
def test_insecure_means_it(far_from: Any) -> None:
    site, host = far_from
    assert status(site, host)[0] == 200


@pytest.mark.parametrize("far_from", [{"users": False, "insecure": True}], indirect=True)
def test_where_nobody_logs_in_it_is_for_this_machine_alone(far_from: Any) -> None:
    site, host = far_from
    assert status(site, host)[0] == 403
    assert status(site, "127.0.0.1")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a name that was made to mean 127.0.0.1
        {"Host": "127.0.0.1.evil.example:8080"},
        {"X_Forwarded_For": "192.0.2.7"},
        {"Via": "1.1 proxy"},
        {"Forwarded": "for=192.0.2.7"},
    ],
)
def test_where_nobody_logs_in_no_foreign_page_and_no_proxy_reads_it(
    open_site: Site, headers: dict[str, str]
) -> None:
    assert status(open_site, "127.0.0.1", **headers)[0] == 403
    assert status(open_site, "127.0.0.1", Host=f"localhost:{open_site.port}")[0] == 200


def test_where_nobody_logs_in_a_foreign_page_still_sends_nothing(open_site: Site) -> None:
    browser = open_site.browser()
    session = browser.get("session").data
    assert (session["asks"], session["superuser"]) == (False, True)
    said = {"table": "bank.account", "key": ""}
    assert browser.post("settle", said).status == 403
    browser.csrf = session["csrf"]
    assert browser.post("settle", said, Origin="http://evil.example").status == 403
    assert browser.post("settle", said).status == 400  # it is no record's key
