"""ICE over TCP, for networks that block UDP."""

from meetings.relay.ice_tcp.edge import TcpEdge, TcpUnavailable

__all__ = ["TcpEdge", "TcpUnavailable"]
