"""
Whether a mail server has found a mail to be from whom it says (RFC 8601).

Only what the operator's own server has written counts, and that server has to remove
what others have written in its name, as RFC 8601, 5 asks of it.
"""

import re

from realtime.intake.mime import Part

_COMMENT = re.compile(r"\([^()]{0,500}\)")


def is_proved(mail: Part, authserv_id: str, sender: str) -> bool:
    """Tell whether DMARC passed, or DKIM or SPF for the sender's own domain."""
    domain = sender.rpartition("@")[2]
    return any(
        _passes(result, domain)
        for value in mail.all_of("authentication-results")
        for result in _results(value, authserv_id.lower())
    )


def _results(value: str, authserv_id: str) -> list[str]:
    name, *results = _COMMENT.sub(" ", value).lower().split(";")
    # A version may follow the name.
    return results if name.split()[:1] == [authserv_id] else []


def _passes(result: str, domain: str) -> bool:
    words = dict(word.partition("=")[::2] for word in result.split())
    if words.get("dmarc") == "pass":
        return words.get("header.from", domain) == domain
    if words.get("dkim") == "pass":
        signer = words.get("header.d") or words.get("header.i", "").rpartition("@")[2]
        return signer == domain
    if words.get("spf") == "pass":
        return words.get("smtp.mailfrom", "").rpartition("@")[2] == domain
    return False
