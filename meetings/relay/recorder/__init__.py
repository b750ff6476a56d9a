"""The recorder: a hidden member of a room that writes each track to a record log."""

from meetings.relay.recorder.egress import TrackEgress
from meetings.relay.recorder.recorder import Recorder, Recording, RecordingRefused
from meetings.relay.recorder.writing import WriterThread

__all__ = ["Recorder", "Recording", "RecordingRefused", "TrackEgress", "WriterThread"]
