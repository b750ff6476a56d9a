"""When feedback is told."""

from meetings.relay.dataplane.portable.news import News
from meetings.relay.plane import CongestionReport


def report(at: float, *, lost: int = 0, growth: int = 0) -> CongestionReport:
    return CongestionReport(at, 10, lost, 1000, 100_000, 100_000 + growth)


def test_while_nothing_happens_a_seconds_digests_are_told_as_one() -> None:
    news = News()
    told = [news.add(report(step / 10), step / 10) for step in range(21)]
    assert [each.received for each in told if each is not None] == [10, 100, 100]


def test_loss_and_a_growing_queue_are_told_at_once_and_so_is_what_follows() -> None:
    for bad in (report(0.2, lost=1), report(0.2, growth=11_000)):
        news = News()
        news.add(report(0.0), 0.0)
        assert news.add(report(0.1), 0.1) is None
        told = news.add(bad, 0.2)
        assert told is not None
        assert told.received == 20
        assert news.add(report(0.3), 0.3) is not None
        assert news.add(report(5.25), 5.25) is not None
        assert news.add(report(5.3), 5.3) is None


def test_during_a_probe_everything_is_told() -> None:
    news = News()
    news.add(report(0.0), 0.0)
    news.attend(0.05)
    assert news.add(report(0.1), 0.1) is not None
