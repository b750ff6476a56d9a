"""The rows of meetings: one file per subject."""

from meetings.models.jobs import Job, JobState
from meetings.models.meeting import (
    Access,
    Attendance,
    ChatMessage,
    Invitation,
    InvitationRole,
    Meeting,
    MeetingState,
)
from meetings.models.recording import (
    LIVE_STATES,
    Consent,
    MediaContent,
    MediaFile,
    RecordedTrack,
    Recording,
    RecordingState,
    TrackState,
    WebhookReceipt,
)
from meetings.models.relay import Placement, Relay, RelayState

__all__ = [
    "LIVE_STATES",
    "Access",
    "Attendance",
    "ChatMessage",
    "Consent",
    "Invitation",
    "InvitationRole",
    "Job",
    "JobState",
    "MediaContent",
    "MediaFile",
    "Meeting",
    "MeetingState",
    "Placement",
    "RecordedTrack",
    "Recording",
    "RecordingState",
    "Relay",
    "RelayState",
    "TrackState",
    "WebhookReceipt",
]
