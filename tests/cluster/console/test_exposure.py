"""Over which connections is there a console at all?"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.certificate_context import CertificateContext
from scalar_tx.cluster.certificates import LOOK_SECONDS
from scalar_tx.cluster.listening import refuse_exposure
from scalar_tx.errors import SettingsError
from scalar_tx.settings.node import NodeSettings
from tests.cluster.console.site import ROOT, Site
from tests.cluster.node.test_certificates import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def elsewhere() -> str:
    """An address of this machine that is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


@pytest.fixture
def far_from(request: pytest.FixtureRequest) -> Iterator[tuple[Site, str]]:
    site = Site(http_host="0.0.0.0", **request.param)
    yield site, elsewhere()
    site.close()


def status(site: Site, host: str, **headers: str) -> tuple[int, str]:
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


def test_over_tls_it_is_shown_anywhere_and_its_cookie_stays_there(tmp_path: Path) -> None:
    files = Files(tmp_path)
    context = CertificateContext(files.tls())
    site = Site(http_host="0.0.0.0", tls=context.shown)
    try:
        code, text, cookie = over_tls(site, elsewhere(), files)
        assert (code, json.loads(text)["asks"]) == (200, True)
        assert "; Secure" in cookie
        old = shown_by(site)
        files.renew()
        context._looked_at -= LOOK_SECONDS
        assert shown_by(site) != old
        new = shown_by(site)
        files.key.write_text("no key")
        context._looked_at -= LOOK_SECONDS
        assert shown_by(site) == new  # what can't be used changes nothing
    finally:
        site.close()


def over_tls(site: Site, host: str, files: Files) -> tuple[int, str, str]:
    trust = ssl.create_default_context()
    files.ca.configure_trust(trust)
    trust.check_hostname = False  # the certificate is the loopback's
    connection = http.client.HTTPSConnection(host, site.port, timeout=10, context=trust)
    connection.request("GET", "/console/api/session")
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.headers["Set-Cookie"]
    connection.close()
    return found


def shown_by(site: Site) -> str:
    return ssl.get_server_certificate(("127.0.0.1", site.port), timeout=10)


def test_tls_of_http_needs_a_certificate() -> None:
    with pytest.raises(SettingsError) as caught:
        refuse_exposure(NodeSettings(http_tls=True))
    assert caught.value.code == "STX-5004"
