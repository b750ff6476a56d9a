"""Live rooms: who is in them, and what they hear of each other."""

from meetings.relay.room.registry import Rooms
from meetings.relay.room.room import Room, RoomParts

__all__ = ["Room", "RoomParts", "Rooms"]
