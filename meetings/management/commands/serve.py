"""Runs the whole of Visio in one process: pages, relay and worker."""

import asyncio
import errno
import logging
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import uvloop
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from twisted.internet import asyncioreactor

from meetings.management.census import census_on_signal
from meetings.management.certificate import ServedCertificate
from meetings.management.open_files import allow_many_sockets

log = logging.getLogger("visio.access")


class AccessLog:
    """Daphne's access log as log records, so that tokens are scrubbed from them like from all others."""

    def write(self, line: str) -> None:
        log.info("%s", line.rstrip())


class Command(BaseCommand):
    help = "Runs Visio: pages, signalling, media relay and background worker in one process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="seed the demo and print its accounts")
        parser.add_argument(
            "--without-worker",
            action="store_true",
            help="leave background work to `celery -A visio_portal worker`",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from meetings.consumers import embedded
        from meetings.management.listening import listened

        environment = settings.VISIO
        certificate = environment.certificate()
        for host in listened(environment.host, secure=certificate is not None):
            _require_free_port(host, environment.port)
        call_command("migrate", verbosity=0)
        if options["demo"]:
            call_command("demo", stdout=self.stdout)
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        asyncioreactor.install(loop)
        allow_many_sockets()
        sys.setswitchinterval(0.001)  # the packet path waits at most a millisecond for a busy worker thread
        if settings.MEDIA_EMBEDDED:
            loop.run_until_complete(_start_relay())
        census_on_signal(loop, lambda: embedded.running)
        stop_worker = _no_worker if options["without_worker"] else start_worker()
        try:
            _serve(certificate, lambda: self._announce(certificate))
        finally:
            stop_worker()

    def _announce(self, certificate: ServedCertificate | None) -> None:
        environment = settings.VISIO
        lines = [f"Visio is ready at {environment.address}"]
        if elsewhere := environment.addresses_elsewhere:
            lines.append(f"From other machines: {' '.join(elsewhere)}")
        if certificate is not None:
            lines += [certificate.news] if certificate.news else []
            lines.append(f"SHA-256 fingerprint of the certificate: {certificate.fingerprint}")
        elif elsewhere and not environment.https:
            lines.append(
                "Browsers on other machines give no camera and microphone over http: "
                "start with VISIO_TLS=self-signed, or with VISIO_TLS=CERTIFICATE:KEY."
            )
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _require_free_port(host: str, port: int) -> None:
    """Raises CommandError with one sentence where the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(_why_not(host, port, error)) from None


def _why_not(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is taken by another program: stop it, or choose another with PORT=…"
        case errno.EACCES:
            return f"This user may not listen on port {port}: choose one above 1023 with PORT=…"
        case _:
            return f"Cannot listen on {host} (VISIO_HOST), port {port}: {error.strerror}."


async def _start_relay() -> None:
    from meetings.consumers import embedded
    from meetings.relay.server import NativePlaneMissing

    try:
        await embedded.get()
    except NativePlaneMissing as missing:
        raise CommandError(f"VISIO_RELAY_PLANE=native: {missing}.") from None
    except OSError as error:
        wanted = settings.VISIO.udp_port
        raise CommandError(
            f"The media port VISIO_UDP_PORT={wanted} cannot be used: {error.strerror}."
        ) from None


def _serve(certificate: ServedCertificate | None, ready: Callable[[], None]) -> None:
    """Blocks until the process is told to stop."""
    from daphne.access import AccessLogGenerator
    from daphne.server import Server
    from django.utils.module_loading import import_string
    from twisted.internet import defer, reactor

    from meetings.consumers import embedded, forwarding
    from meetings.management.bounds import BoundedPages
    from meetings.management.listening import listen
    from meetings.management.sockets import prepare

    def stop_relay() -> Any:
        stop = embedded.stop() if settings.MEDIA_EMBEDDED else forwarding.close()
        return defer.Deferred.fromFuture(asyncio.ensure_future(stop))

    def listening() -> None:
        prepare(server.ws_factory)
        listen(BoundedPages(server.http_factory), settings.VISIO.host, settings.VISIO.port, certificate)
        # Once signals are heeded: whoever waits for this line may send one.
        reactor.callLater(0, ready)  # type: ignore[arg-type]

    reactor.addSystemEventTrigger("before", "shutdown", stop_relay)  # type: ignore[arg-type]
    server = Server(
        application=import_string(settings.ASGI_APPLICATION),
        endpoints=["ours"],
        action_logger=AccessLogGenerator(AccessLog()),
        server_name="visio",
        ready_callable=listening,
        verbosity=1,
    )
    server.endpoints = []  # Daphne wants one, and knows none that speaks TLS and plain HTTP; see `listening`
    server.run()


def _no_worker() -> None:
    """Nothing to stop."""


def start_worker() -> Callable[[], None]:
    """Starts the Celery worker and its timetable in threads of this process; returns how to stop them."""
    from celery import current_app
    from celery.beat import EmbeddedService

    from meetings.services import outbox

    worker = current_app.WorkController(
        hostname="embedded@visio",
        loglevel=logging.WARNING,
        without_heartbeat=True,
        without_mingle=True,
        without_gossip=True,
    )
    timetable = EmbeddedService(current_app, thread=True, scheduler_cls="celery.beat:Scheduler")
    for name, run in (("celery-worker", worker.start), ("celery-timetable", timetable.run)):
        threading.Thread(target=run, name=name, daemon=True).start()
    current_app.signature("meetings.sweep_jobs").apply_async()  # whatever an earlier process left behind

    def stop() -> None:
        outbox.interrupt()
        timetable.stop()
        worker.stop()

    return stop
