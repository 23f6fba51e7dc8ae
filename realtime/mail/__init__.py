"""
E-mail to people: worded from a parcel, signed links in it, carried to an SMTP server.

To be read in this order: `links.py`, `cleaning.py`, `language.py`, `letters.py`,
`pages.py`, `composing.py`, `smtp.py`, `notifier.py`.
"""
