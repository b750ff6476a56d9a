"""What a relay tells Prometheus. Numbers only: no name of a room or of a person leaves it this way."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from meetings.relay.server.overview import Overview

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_PREFIX: Final = "visio_relay"
# Between the native plane's thread and Python; each is a queue with a bound.
_RINGS: Final = {"events_lost": "events", "strangers_lost": "strangers", "taps_lost": "recordings"}
_OF_THEIR_OWN: Final = {*_RINGS, "forwarded", "forwarded_octets", "segmentation_refused", "cpu_us"}
# What is done all day; every other counter says why something was dropped, those of days to come, too.
_DONE: Final = {
    "received",
    "receive_calls",
    "send_calls",
    "rtcp_sent",
    "retransmitted",
    "probes",
    "probes_sent",
    "commands",
    "commands_deferred",
}


class RelayCollector(Collector):
    """Asked at each scrape, on the event loop."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterator[Metric]:
        counters = self._overview.counters()
        yield InfoMetricFamily(_PREFIX, "Who forwards packets.", {"plane": self._overview.plane})
        yield _total("forwarded_packets", "Media packets sent to subscribers.", counters.get("forwarded", 0))
        octets = counters.get("forwarded_octets", 0)
        yield _total("forwarded_octets", "Their octets, without those of encryption.", octets)
        cpu = self._overview.plane_cpu(counters)
        yield _total("plane_cpu_seconds", "CPU of the thread that forwards.", cpu)
        refused = counters.get("segmentation_refused", 0)
        yield _total("gso_refused", "Sends that the system would not take as one (UDP GSO).", refused)
        lost = {ring: counters[name] for name, ring in _RINGS.items() if name in counters}
        yield _by_label("ring_overflows", "Messages for which a queue had no room.", "ring", lost)
        rest = {name: count for name, count in counters.items() if name not in _OF_THEIR_OWN}
        done = {name: rest.pop(name) for name in _DONE if name in rest}
        yield _by_label("operations", "What the relay did.", "operation", done)
        yield _by_label("dropped", "What was dropped or refused, and why.", "reason", rest)
        alive = GaugeMetricFamily(f"{_PREFIX}_alive", "How much of it there is now.", labels=["kind"])
        for kind, count in self._overview.census().items():
            alive.add_metric([kind], count)
        yield alive


def metrics(overview: Overview) -> bytes:
    """Prometheus' text format, the process's own figures with it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RelayCollector(overview))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _total(name: str, help_: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"{_PREFIX}_{name}", help_, value=value)


def _by_label(name: str, help_: str, label: str, values: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", help_, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
