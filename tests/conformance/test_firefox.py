"""The conformance lines with livekit-client in Firefox."""

import pytest

from tests.conformance.lines.incoming import *  # noqa: F403
from tests.conformance.lines.layers import *  # noqa: F403
from tests.conformance.lines.outgoing import *  # noqa: F403
from tests.conformance.lines.people import *  # noqa: F403
from tests.conformance.lines.recovery import *  # noqa: F403

KIND = "firefox"
pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]
