"""Addresses that the embedded relay answers under, beside the pages."""

from django.urls import re_path

from meetings import consumers

http_urlpatterns = [
    re_path(r"^rtc/v1/validate$", consumers.ValidateConsumer.as_asgi()),
    re_path(r"^twirp/(?P<method>.+)$", consumers.ServerApiConsumer.as_asgi()),
]

websocket_urlpatterns = [
    re_path(r"^rtc/v1$", consumers.SignalConsumer.as_asgi()),
    re_path(r"", consumers.NoSuchSocket.as_asgi()),
]
