"""
Mail that comes in: answers to mails of conversations, bounces, complaints.

To be read in this order: `mime.py`, `html.py`, `flowed.py`, `stripping.py`, `body.py`,
`reports.py` and `proof.py` are pure: text in, values out, in time that grows with the
size of the mail and no faster. `replies.py` and `feedback.py` do what a mail is for,
`taking.py` tells for what an address is, `protocol.py` and `server.py` are the door.
"""
