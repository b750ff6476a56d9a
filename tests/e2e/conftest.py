"""One running portal for all browser tests of a process, and a playwright for each file of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.e2e.portal import Portal, running_portal


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with running_portal(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Not for the whole session: while it is open, its event loop keeps asynchronous tests from running."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(autouse=True)
def server_log_shown(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever the server printed during a test stands in the report of a test that fails."""
    portal: Portal | None = request.getfixturevalue("portal") if "portal" in request.fixturenames else None
    before = len(portal.log) if portal else 0
    yield
    if portal:
        print("\n".join(portal.log[before:][-80:]))  # noqa: T201  (pytest shows it on failure alone)
