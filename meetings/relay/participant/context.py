"""What every participant is given."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from meetings.relay.ice_lite import IceLite
from meetings.relay.interface import Clock, RelayLimits
from meetings.relay.plane import DataPlane
from meetings.relay.secure import Certificate
from meetings.relay.signalling import ApiKey


@dataclass(frozen=True)
class Context:
    """The relay's parts that all participants share. `numbers` names transports and tracks, `counters` what
    was dropped."""

    plane: DataPlane
    ice: IceLite
    certificate: Certificate
    clock: Clock
    limits: RelayLimits
    api_key: ApiKey
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    counters: Counter[str] = field(default_factory=Counter)
