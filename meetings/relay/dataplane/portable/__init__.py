"""The portable data plane: the packet path in Python, for machines without a compiler."""

from meetings.relay.dataplane.portable.plane import PortablePlane

__all__ = ["PortablePlane"]
