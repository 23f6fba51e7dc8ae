"""
E-mail to people: worded from a parcel, signed links in it, carried to an SMTP server.

To be read in this order: `links.py`, `wording.py`, `composing.py`, `notifier.py`.
"""
