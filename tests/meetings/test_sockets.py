"""Daphne's WebSockets as signalling needs them."""

import subprocess
import sys

from visio_portal.environment import ROOT

# In a process of its own: importing Daphne chooses the event loop of the whole process.
_PROGRAM = """
from autobahn.exception import Disconnected
from daphne.ws_protocol import WebSocketProtocol
from meetings.management.sockets import SignalSocket

gone = SignalSocket()
gone.client_addr, gone.state = None, gone.STATE_CLOSED
try:
    WebSocketProtocol.serverSend(gone, b"a message", True)
except Disconnected:
    gone.serverSend(b"a message", True)
    print("nobody was troubled")
"""


def test_a_message_to_a_client_that_has_just_gone_is_no_error() -> None:
    """Regression: each such message stood in the log with a traceback, as if forwarding had broken off."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "nobody was troubled\n", done.stderr
