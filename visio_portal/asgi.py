"""The ASGI application: pages by Django, ``/rtc/v1`` and the media server's API by the embedded relay."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")
pages = get_asgi_application()

from django.urls import re_path  # noqa: E402  (apps must be loaded first)

from meetings import routing  # noqa: E402
from visio_portal.proxies import TrustedProxies  # noqa: E402

application = TrustedProxies(
    ProtocolTypeRouter(
        {
            "http": URLRouter([*routing.http_urlpatterns, re_path(r"", pages)]),  # type: ignore[arg-type]
            "websocket": URLRouter(routing.websocket_urlpatterns),
        }
    ),
    settings.VISIO.trusted_proxies,
)
