"""Which data plane a relay gets."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from meetings.relay.dataplane.portable import PortablePlane
from meetings.relay.dataplane.portable.plane import StunReceived
from meetings.relay.errors import RelayError
from meetings.relay.interface import Clock, RelayLimits
from meetings.relay.plane import DataPlane

log = logging.getLogger("visio.relay")

AUTO, NATIVE, PORTABLE = "auto", "native", "portable"


class NativePlaneMissing(RelayError):
    """The native plane was not built, or cannot be loaded; the text says which."""


@dataclass(frozen=True)
class PlaneParts:
    """What every plane is made of. `bind` empty: every address of both families; `port` 0: any free one."""

    bind: str
    port: int
    stun_received: StunReceived
    clock: Clock
    limits: RelayLimits
    failed: Callable[[str], None] = lambda reason: None
    """Told why, where a plane's own thread ends by itself: nothing is forwarded from then on."""


def choose_plane(wish: str, parts: PlaneParts, *, gso: bool) -> DataPlane:
    """`wish` is "auto", "native" or "portable". Raises NativePlaneMissing where "native" cannot be had."""
    if wish not in (AUTO, NATIVE, PORTABLE):
        raise ValueError(f"no such data plane: {wish!r}; there are auto, native and portable")
    if wish != PORTABLE:
        try:
            return native_plane(parts, gso=gso)
        except NativePlaneMissing as missing:
            if wish == NATIVE:
                raise
            log.warning("packets are forwarded in Python, which costs more: %s", missing)
    return PortablePlane(
        bind=parts.bind,
        port=parts.port,
        stun_received=parts.stun_received,
        clock=parts.clock,
        max_addresses=parts.limits.addresses,
        consent=parts.limits.consent,
        voices=parts.limits.voices,
    )


def native_plane(parts: PlaneParts, *, gso: bool) -> DataPlane:
    """Raises NativePlaneMissing."""
    try:
        module = import_module("meetings.relay.dataplane.native.plane")
    except ModuleNotFoundError as error:
        raise NativePlaneMissing("the native plane is not part of this installation") from error
    plane: DataPlane = module.open_native_plane(parts, gso=gso)
    return plane
