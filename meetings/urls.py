"""Addresses of meetings."""

from django.urls import path, re_path

from meetings import webhooks
from meetings.codes import PATTERN
from meetings.views import files, home, meeting, quality, room

_CODE = rf"^(?P<reference>{PATTERN})"

urlpatterns = [
    path("", home.home, name="home"),
    path("meetings/start", home.start, name="meeting-start"),
    path("join", home.join_by_code, name="join-by-code"),
    path("meetings/<uuid:reference>/", meeting.meeting_page, name="meeting"),
    path("meetings/<uuid:reference>/progress", meeting.progress, name="meeting-progress"),
    path("meetings/<uuid:reference>/delete", meeting.delete, name="meeting-delete"),
    path(
        "recordings/<uuid:recording_id>/files/<uuid:file_id>", files.recording_media, name="recording-media"
    ),
    path("livekit/webhook", webhooks.livekit, name="livekit-webhook"),
    re_path(_CODE + r"/$", room.room, name="room"),
    re_path(_CODE + r"/token$", room.token, name="room-token"),
    re_path(_CODE + r"/chat$", room.room_chat, name="room-chat"),
    re_path(_CODE + r"/recording$", room.room_recording, name="room-recording"),
    re_path(_CODE + r"/consent$", room.room_consent, name="room-consent"),
    re_path(_CODE + r"/people$", room.room_people, name="room-people"),
    re_path(_CODE + r"/access$", room.room_access, name="room-access"),
    re_path(_CODE + r"/quality$", quality.room_quality, name="room-quality"),
]
