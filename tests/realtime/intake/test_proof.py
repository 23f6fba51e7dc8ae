"""What a mail server has found out about a mail, and what others wrote into that."""

import pytest

from realtime.intake.mime import read_mail
from realtime.intake.proof import is_proved


def _is_proved(*found: str) -> bool:
    headers = "".join(
        f"Authentication-Results: mx.example; {each}\r\n" for each in found
    )
    return is_proved(
        read_mail(f"{headers}\r\nHi".encode()), "mx.example", "ada@people.example"
    )


@pytest.mark.parametrize(
    "found",
    [
        'spf=pass smtp.mailfrom="; dmarc=pass x="@evil.example',
        'spf=pass (domain of "; dmarc=pass "@evil.example) smtp.mailfrom=evil.example',
        'spf=pass (of "a) ; dmarc=pass (" @evil.example) smtp.mailfrom=evil.example',
        "spf=pass (a (b) ; dmarc=pass ) smtp.mailfrom=evil.example",
        r"spf=pass (of a\) ; dmarc=pass (b) smtp.mailfrom=evil.example",
        r'spf=pass smtp.mailfrom="a\"; dmarc=pass b"@evil.example',
        "dkim=pass header.d=evil.example header.d=people.example",
        "dmarc=pass (header.from=evil.example",
        "dmarc=fail; spf=pass smtp.mailfrom=ada@people.example",
    ],
)
def test_what_a_sender_calls_itself_is_no_result(found: str) -> None:
    assert not _is_proved(found)


def test_results_are_read_with_what_servers_write_around_them() -> None:
    assert _is_proved(
        'spf=pass (mx: domain of "ada b"@people.example (it\'s ours) designates'
        " 192.0.2.1) smtp.mailfrom=people.example"
    )
    assert _is_proved('dkim=pass reason="good; 2048" header.d="people.example"')
    assert _is_proved("spf=fail", "dmarc=pass (p=none) header.from=people.example")
    assert not _is_proved("dmarc=fail", "dkim=pass header.d=people.example")
