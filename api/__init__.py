"""
What is exposed: the HTTP API, the one port, and the `callboard` command.

`app.py` builds the application from a running node, `server.py` serves it and the
sockets on one port, `cli.py` is the command line.
"""
