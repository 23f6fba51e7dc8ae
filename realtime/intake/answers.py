"""
What the server that brings a mail is told: a reply code, its meaning, and a sentence.

2xx: it is taken, for good. 4xx: bring it again later (RFC 5321, 4.5.4). 5xx: never; the
sender's own server tells the sender, so nothing is ever mailed back from here. Enhanced
codes are RFC 3463's.
"""

from realtime.errors import Conflict, Internal, Problem, RateLimited, TooLarge

TAKEN = "250 2.0.0 Taken."
DROPPED = "250 2.0.0 Dropped, because no person has written it."
WELCOME = "250 2.1.5 Go on."
LATER = "451 4.3.0 The server cannot take it now."
NO_SUCH_ADDRESS = "550 5.1.1 There is no such address here."
EXPIRED = "550 5.1.6 This address works no longer; please answer in the app."
ONE_AT_A_TIME = "452 4.5.3 One recipient at a time."
TOO_MANY = "452 4.5.3 Too many recipients."
NOT_A_REPORT = "550 5.6.0 Here only complaints in the form of RFC 5965 are read."
NOT_YOU = (
    "550 5.7.1 Only the person whom the mail was sent to can answer it,"
    " from the same address."
)
NOT_PROVED = "550 5.7.25 It is not proved that this mail is from that address."
NOTHING_SAID = "550 5.6.0 Your mail says nothing besides what it quotes."
UNREADABLE = "550 5.6.0 Your mail has no text that could be stored."
ONLY_FILES = "550 5.6.0 Files are not taken by mail; please send them in the app."


def refused(problem: Problem) -> str | None:
    """Say why a message was not taken; None where it was taken before."""
    if isinstance(problem, Conflict):
        # The same mail, read differently: its first reading stands.
        return None
    said = problem.detail.encode("ascii", "replace").decode()
    said = " ".join(said.split())
    if isinstance(problem, RateLimited):
        return f"451 4.7.1 {said}"
    if problem.retry or isinstance(problem, Internal):
        return LATER
    code = "552 5.3.4" if isinstance(problem, TooLarge) else "550 5.7.1"
    return f"{code} {said}"


def is_taken(answer: str) -> bool:
    """Tell whether the server that brought it may forget it."""
    return answer.startswith("2")


def outcome(answer: str) -> str:
    """Name what became of a mail: taken, dropped, put off or refused."""
    if answer == DROPPED:
        return "dropped"
    if is_taken(answer):
        return "taken"
    return "put_off" if answer.startswith("4") else "refused"
