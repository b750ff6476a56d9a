"""Whether people in networks that block UDP would get through."""

import asyncio
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meetings.management.turn_probe import NoRelayedAddress, relayed_address
from meetings.relay.server import TurnServers


class Command(BaseCommand):
    help = "Asks each server in VISIO_TURN_URLS for a relayed address, as a browser would; fails without one."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        told = settings.VISIO.turn
        if not told.urls:
            raise CommandError(
                "No TURN server is named: VISIO_TURN_URLS and VISIO_TURN_SECRET, docs/network.md."
            )
        login = TurnServers(told.urls, told.secret, lifetime=60).for_person("turn-check", time.time())
        failed = 0
        for url in told.urls:
            try:
                address = asyncio.run(relayed_address(url, login.username, login.credential))
            except NoRelayedAddress as reason:
                failed += 1
                self.stdout.write(f"{url}: {reason}")
            else:
                self.stdout.write(f"{url}: relays from {address}")
        if failed:
            raise CommandError(f"{failed} of {len(told.urls)} TURN servers cannot be used.")
