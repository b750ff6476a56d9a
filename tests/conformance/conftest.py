"""Fixtures of the conformance run, and the record of its results."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from .scene import Call, meet
from .stage import PLANE, Stage

RESULTS = Path(__file__).resolve().parents[2] / "build" / "conformance"
OF_PLANE = RESULTS / PLANE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    kind = request.module.KIND
    stage = Stage(kind, tmp_path_factory.mktemp(kind))
    await stage.start()
    OF_PLANE.mkdir(parents=True, exist_ok=True)
    (OF_PLANE / f"{kind}.jsonl").write_text(
        json.dumps({"client": kind, "version": await stage.version()}) + "\n"
    )
    yield stage
    await stage.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(stage: Stage) -> AsyncIterator[Call]:
    """One call for all lines that leave it as they found it."""
    yield await (await meet(stage)).publish()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def second_call(stage: Stage) -> AsyncIterator[Call]:
    """A call with dynacast and adaptive stream, for lines that shake it; each leaves it connected."""
    yield await (await meet(stage, mine={"room": {"dynacast": True, "adaptiveStream": True}})).publish()


@pytest_asyncio.fixture(loop_scope="module")
async def empty_call(stage: Stage) -> AsyncIterator[Call]:
    """A call of its own, in which nobody has published anything yet."""
    call = await meet(stage)
    yield call
    await call.leave()


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Adds to the table's cell how the line was run, where that is not the client's own doing."""
    return lambda text: record_property("note", text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[misc,assignment]
    if report.when == "call" or (report.when == "setup" and not report.passed):
        _record(item, report)
    return report  # type: ignore[return-value]


def _record(item: pytest.Item, report: pytest.TestReport) -> None:
    marker = item.get_closest_marker("line")
    kind = getattr(getattr(item, "module", None), "KIND", None)
    if marker is None or kind is None:
        return
    notes = [str(value) for name, value in report.user_properties if name == "note"]
    reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
    row: dict[str, Any] = {**marker.kwargs, "outcome": report.outcome, "notes": notes, "reason": reason}
    row["shows"] = (item.function.__doc__ or "").strip()  # type: ignore[attr-defined]
    OF_PLANE.mkdir(parents=True, exist_ok=True)
    with (OF_PLANE / f"{kind}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
