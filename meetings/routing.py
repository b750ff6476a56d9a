"""Addresses that media are signalled under, beside the pages: answered here, or passed on to a relay."""

from django.conf import settings
from django.urls import re_path

from meetings import consumers

if settings.MEDIA_EMBEDDED:
    http_urlpatterns = [
        re_path(r"^rtc/v1/validate$", consumers.ValidateConsumer.as_asgi()),
        re_path(r"^twirp/(?P<method>.+)$", consumers.ServerApiConsumer.as_asgi()),
    ]
    signal = consumers.SignalConsumer.as_asgi()
else:
    http_urlpatterns = [re_path(r"^rtc/v1/validate$", consumers.ValidateForwarder.as_asgi())]
    signal = consumers.SignalForwarder.as_asgi()

websocket_urlpatterns = [
    re_path(r"^rtc/v1$", signal),
    re_path(r"", consumers.NoSuchSocket.as_asgi()),
]
