"""What else people do, on PostgreSQL and Redis with pages, relay and worker apart: `make test-long`."""

import pytest

from tests.e2e.test_archive import (  # noqa: F401  (collected here once more)
    long_meeting,
    test_a_french_meeting_keeps_its_recording_and_says_what_is_missing,
    test_a_word_at_minute_three_is_found_and_plays_from_there,
    test_to_the_uninvited_and_to_the_other_ministry_nothing_of_it_exists,
)
from tests.e2e.test_production_like import portal  # noqa: F401
from tests.e2e.test_sdk_interop import test_the_sdk_and_a_browser_decode_each_other  # noqa: F401

pytestmark = [pytest.mark.media, pytest.mark.browser, pytest.mark.long]
