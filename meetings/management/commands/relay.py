"""A media relay in a process of its own; a standalone one is started by manage.py without coming here."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from meetings.management.relay_process import CannotListen, run_relay

DEFAULT_PORT = 7880


class Command(BaseCommand):
    help = (
        "Runs the media relay of this deployment: admissions and recording keys come from the database, "
        "events go to the portal, which finds it by VISIO_RELAY_URL. With --standalone: without a portal."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind", help="TCP address to listen on (the one in VISIO_RELAY_URL, or 127.0.0.1)"
        )
        parser.add_argument("--port", type=int, help="TCP port (the one in VISIO_RELAY_URL, or 7880)")

    def handle(self, *args: Any, **options: Any) -> None:
        from meetings.consumers import PortalAnswers, relay_config

        told = urlsplit(settings.VISIO.relay_url)
        host = options["bind"] or told.hostname or "127.0.0.1"
        port = told.port or DEFAULT_PORT if options["port"] is None else options["port"]
        try:
            run_relay(relay_config(), PortalAnswers(), host=host, port=port, say=self._say)
        except CannotListen as reason:
            raise CommandError(str(reason)) from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
