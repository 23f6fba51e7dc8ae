"""
Whether a mail server has found a mail to be from whom it says (RFC 8601).

Only what the operator's own server has written counts, and that server has to remove
what others have written in its name, as RFC 8601, 5 asks of it.
"""

from realtime.intake.mime import Part

# What is written in quotation marks is one value, whatever signs are in it.
_SIGNS_IN_QUOTES = str.maketrans(dict.fromkeys("; \t=", "_"))


def is_proved(mail: Part, authserv_id: str, sender: str) -> bool:
    """
    Tell whether DMARC passed, or DKIM or SPF for the sender's own domain.

    Where DMARC was looked at and did not pass, nothing else counts.
    """
    domain = sender.rpartition("@")[2]
    results = [
        words
        for value in mail.all_of("authentication-results")
        for words in _results(value, authserv_id.lower())
    ]
    if any(words.get("dmarc", "pass") != "pass" for words in results):
        return False
    return any(_passes(words, domain) for words in results)


def _results(value: str, authserv_id: str) -> list[dict[str, str]]:
    plain = _plain(value.lower())
    if plain is None:
        return []
    name, *results = plain.split(";")
    # A version may follow the name.
    if name.split()[:1] != [authserv_id]:
        return []
    pairs = [[word.partition("=")[::2] for word in each.split()] for each in results]
    # Who says the same of two says nothing.
    return [words for each in pairs if len(words := dict(each)) == len(each)]


def _plain(value: str) -> str | None:
    """
    Leave out comments, and make one word of what is quoted (RFC 5322, 3.2).

    Servers repeat there what the other side has called itself, which may look like a
    result. None where what is opened is not closed, or a comment has half of a
    quotation in it: then it cannot be told who has written what.
    """
    kept: list[str] = []
    inside: list[str] = []
    depth, is_quoted = 0, False
    signs = iter(value)
    for sign in signs:
        if sign == "\\" and (depth or is_quoted):
            next(signs, None)
        elif depth:
            depth += (sign == "(") - (sign == ")")
            inside.append(sign)
            if not depth:
                if inside.count('"') % 2:
                    return None
                inside.clear()
                kept.append(" ")
        elif sign == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            kept.append(sign.translate(_SIGNS_IN_QUOTES))
        elif sign == "(":
            depth = 1
        elif sign == ")":
            return None
        else:
            kept.append(sign)
    return None if depth or is_quoted else "".join(kept)


def _passes(words: dict[str, str], domain: str) -> bool:
    if words.get("dmarc") == "pass":
        return words.get("header.from", domain) == domain
    if words.get("dkim") == "pass":
        signer = words.get("header.d") or words.get("header.i", "").rpartition("@")[2]
        return signer == domain
    if words.get("spf") == "pass":
        return words.get("smtp.mailfrom", "").rpartition("@")[2] == domain
    return False
