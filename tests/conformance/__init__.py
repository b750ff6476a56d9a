"""Every line of the protocol that matters, with three clients: the Python SDK, Chromium and Firefox."""

import pytest

pytest.register_assert_rewrite("tests.conformance.lines", "tests.conformance.scene")
