"""LiveKit's Egress: recording single tracks."""

from collections.abc import Sequence
from typing import Final

from livekit.protocol.egress import (
    EgressInfo,
    EgressStatus,
    ListEgressRequest,
    ListEgressResponse,
    StopEgressRequest,
    TrackEgressRequest,
)

from meetings.relay.api.rooms import find_room
from meetings.relay.api.twirp import TwirpError
from meetings.relay.recorder import RecordingRefused
from meetings.relay.room import Rooms

_RUNNING: Final[Sequence[EgressStatus]] = (
    EgressStatus.EGRESS_STARTING,
    EgressStatus.EGRESS_ACTIVE,
    EgressStatus.EGRESS_ENDING,
)


def _wanted(info: EgressInfo, request: ListEgressRequest) -> bool:
    return (
        request.room_name in ("", info.room_name)
        and request.egress_id in ("", info.egress_id)
        and (not request.active or info.status in _RUNNING)
    )


class EgressService:
    """One coroutine per method. Raises TwirpError."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def start(self, request: TrackEgressRequest) -> EgressInfo:
        room = find_room(self._rooms, request.room_name)
        track = room.find_track(request.track_id)
        if track is None:
            raise TwirpError("not_found", "track does not exist")
        if not request.HasField("file"):
            raise TwirpError("invalid_argument", "only file output is supported")
        try:
            return room.recorder.start(track, request.file.filepath)
        except RecordingRefused as error:
            raise TwirpError("failed_precondition", str(error)) from error

    async def stop(self, request: StopEgressRequest) -> EgressInfo:
        for room in self._rooms:
            info = room.recorder.stop(request.egress_id)
            if info is not None:
                return info
            if any(ended.egress_id == request.egress_id for ended in room.recorder.infos()):
                raise TwirpError("failed_precondition", "egress has ended")
        raise TwirpError("not_found", "egress does not exist")

    async def list(self, request: ListEgressRequest) -> ListEgressResponse:
        infos = [info for room in self._rooms for info in room.recorder.infos()]
        return ListEgressResponse(items=[info for info in infos if _wanted(info, request)])
