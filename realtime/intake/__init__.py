"""
Mail that comes in: answers to mails of conversations, bounces, complaints.

To be read in this order: `mime.py`, `html.py`, `flowed.py`, `stripping.py`,
`reports.py`, `replies.py`, `taking.py`, `protocol.py`, `server.py`. The first five are
pure: text in, values out, in time that grows with the size of the mail and no faster.
"""
