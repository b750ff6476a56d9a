"""Who forwards the relay's packets, as the operator wishes it."""

from dataclasses import dataclass

PLANES = ("auto", "native", "portable")
_SWITCH = {"1": True, "on": True, "0": False, "off": False}


@dataclass(frozen=True)
class Forwarding:
    """`plane`: one of `PLANES`; `gso`: whether the native one may hand the system several packets in one."""

    plane: str
    gso: bool


def forwarding(plane: str, gso: str) -> Forwarding:
    """From ``VISIO_RELAY_PLANE`` and ``VISIO_RELAY_GSO``, each perhaps empty. Raises ValueError."""
    plane, gso = plane.strip().lower() or PLANES[0], gso.strip().lower() or "1"
    if plane not in PLANES:
        raise ValueError(f"VISIO_RELAY_PLANE must be one of {', '.join(PLANES)}, not “{plane}”.")
    if gso not in _SWITCH:
        raise ValueError(f"VISIO_RELAY_GSO must be 0 or 1, not “{gso}”.")
    return Forwarding(plane, _SWITCH[gso])
