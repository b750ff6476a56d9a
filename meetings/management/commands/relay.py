"""A media relay in a process of its own; a standalone one is started by manage.py without coming here."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from meetings.management.relay_process import CannotListen, run_relay
from meetings.management.standalone import port_number

DEFAULT_PORT = 7880
WILDCARDS = ("", "0.0.0.0", "::")


class Command(BaseCommand):
    help = (
        "Runs the media relay of this deployment: admissions and recording keys come from the database, "
        "events go to the portal, which finds it by VISIO_RELAY_URL: its address, or the word “registered” "
        "where there are several. With --standalone: without a portal."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind", help="TCP address to listen on (the one in VISIO_RELAY_URL, or 127.0.0.1)"
        )
        parser.add_argument(
            "--port",
            type=int,
            help="TCP port (the one in VISIO_RELAY_URL, or 7880; one of several: any free)",
        )
        parser.add_argument(
            "--udp-port", type=port_number, help="UDP port of the media (VISIO_UDP_PORT, or any free one)"
        )
        parser.add_argument(
            "--address",
            help="where the portal reaches it, if it is one of several (as --bind and --port say)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from meetings.consumers import PortalAnswers, Registration, relay_config

        registered = settings.MEDIA_REGISTERED
        told = urlsplit("" if registered else settings.VISIO.relay_url)
        host = options["bind"] or told.hostname or "127.0.0.1"
        port = (
            (0 if registered else told.port or DEFAULT_PORT) if options["port"] is None else options["port"]
        )
        if registered and host in WILDCARDS and not options["address"]:
            raise CommandError("--bind names no address that the portal could reach: give it with --address.")
        config = relay_config(udp_port=options["udp_port"])
        portal, say = PortalAnswers(), self._say
        try:
            if registered:
                company = Registration(portal, address=options["address"])
                run_relay(config, company, host=host, port=port, say=say, accompany=company.registered)
            else:
                run_relay(config, portal, host=host, port=port, say=say)
        except CannotListen as reason:
            raise CommandError(str(reason)) from None
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached: {error}") from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
