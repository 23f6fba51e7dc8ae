"""Where a push may go, and all the ways in which it may not."""

import pytest

from realtime.push.addresses import PUSH_SERVICES, PushHosts

SERVICES = PushHosts.parse(PUSH_SERVICES)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U0a3",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABaaQ==",
        "https://web.push.apple.com/QGuQyavXutnMH",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAABe%2f%2bQ",
        "https://fcm.googleapis.com:443/fcm/send/x",
    ],
)
def test_the_services_of_browsers_are_known(endpoint: str) -> None:
    SERVICES.check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "fcm.googleapis.com/x",
        "//fcm.googleapis.com/x",
        "http://fcm.googleapis.com/x",
        "ftp://fcm.googleapis.com/x",
        "file:///etc/passwd",
        "gopher://fcm.googleapis.com/x",
        "https:/fcm.googleapis.com/x",
        "https://",
        "https:///x",
        # Others, and names that only look alike.
        "https://example.org/x",
        "https://fcm.googleapis.com.example.org/x",
        "https://xfcm.googleapis.com/x",
        "https://x.fcm.googleapis.com/x",
        "https://push.apple.com/x",
        "https://evilpush.apple.com/x",
        "https://.push.apple.com/x",
        "https://a..push.apple.com/x",
        "https://fcm.googleapis.com./x",
        "https://example.org#.push.apple.com/x",
        "https://example.org/.push.apple.com",
        "https://example.org?.push.apple.com",
        # Readers that disagree.
        "https://user@fcm.googleapis.com/x",
        "https://user:password@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@example.org/x",
        "https://example.org\\@fcm.googleapis.com/x",
        "https://fcm.googleapis.com\\.example.org/x",
        "https://fcm.googleapis.com/x#fragment",
        "https://fcm.googleapis.com /x",
        "https://fcm.googleapis.com\t/x",
        "https://fcm.googleapis.com/x\r\nHost: example.org",
        "https://fcm.googleapis.com\x00.example.org/x",
        "https://fcm%2egoogleapis.com/x",
        "https://fcm.googleapis.com%00.example.org/x",
        "https://fcm。googleapis。com/x",
        "https://ｆcm.googleapis.com/x",
        # Ports that nobody named.
        "https://fcm.googleapis.com:22/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com:0/x",
        "https://fcm.googleapis.com:/x",
        "https://fcm.googleapis.com:443443/x",
        "https://fcm.googleapis.com:+443/x",
        "https://fcm.googleapis.com:0443/x",
        # Addresses in all their spellings.
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0x7f.0.0.0x1/x",
        "https://0177.0.0.01/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[::1/x",
        "https://8.8.8.8/x",
        "https://localhost/x",
        "https://metadata.google.internal/x",
        "https://fcm.googleapis.com/" + "x" * 2048,
    ],
)
def test_nothing_else_is_a_push_service(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|is not at)") as refused:
        SERVICES.check(endpoint)
    assert "fcm" not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://localhost/x",
        "https://0x7f.1/x",
        "https://[::1]/x",
        "https://push.example:8443/x",
        "http://push.example/x",
    ],
)
def test_any_host_means_any_name_and_no_address(endpoint: str) -> None:
    anywhere = PushHosts.parse(["*"])
    anywhere.check("https://push.example/x?up=1")
    with pytest.raises(ValueError, match="is not at"):
        anywhere.check(endpoint)
    assert anywhere.exempt == []


def test_a_service_with_a_port_is_exactly_this_one() -> None:
    hosts = PushHosts.parse(["push.lan:8443", "http://127.0.0.1:9000", "[::1]:8443"])
    hosts.check("https://push.lan:8443/x")
    hosts.check("https://PUSH.lan:8443/x")
    hosts.check("http://127.0.0.1:9000/x")
    hosts.check("https://[::1]:8443/x")
    for other in (
        "https://push.lan/x",
        "http://push.lan:8443/x",
        "https://127.0.0.1:9000/x",
        "http://127.0.0.1:9001/x",
        "https://a.push.lan:8443/x",
    ):
        with pytest.raises(ValueError, match="is not at"):
            hosts.check(other)
    assert hosts.exempt == ["push.lan:8443", "127.0.0.1:9000", "[::1]:8443"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "localhost",
        "127.0.0.1",
        "https://push.example/path",
        "http://push.example",
        "ftp://push.example:21",
        "user@push.example",
        "push.example:",
        "push.example:0",
        "push.example:65536",
        "push.example:http",
        "*.push.example:443",
        "*:443",
        "push.*",
        "pu sh.example",
    ],
)
def test_what_is_no_host_is_named(written: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        PushHosts.parse(["push.example", written])
