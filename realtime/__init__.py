"""
What happens and who hears of it.

One message, socket to socket: `client.py` reads a frame, `commands.py` finds
the action, `batcher.py` commits it together with its neighbours through
`storage/messages.py`, and `node.py` announces what was committed: to the sockets
of this process through `hub.py`, to other processes through `bus.py`. What an
announcement misses, the feed repairs within seconds (`repair.py`), and a client
that was away resumes from its cursor (`actions/resume.py`).

Read in this order: `protocol.py` (the wire), `errors.py`, `actions/`, `hub.py`,
`sequencer.py`, `node.py`, `client.py`.
"""
