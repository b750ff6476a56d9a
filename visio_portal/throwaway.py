"""PostgreSQL and Redis for a while: on free ports of this machine, in folders that go with them.

Nothing that Debian may have started as a service is touched or needed. What they keep is not safe from a loss
of power: nothing waits for the disk. Each ends with the process that started it, even when that is killed.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from visio_portal.debian import find

PROGRAMS = {
    "initdb": "postgresql",
    "postgres": "postgresql",
    "redis-server": "redis-server",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
STARTING_SECONDS = 60.0

_UNSAFE_AND_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}


class CannotStart(Exception):
    """A throw-away server did not come up; the message holds what it printed."""


def free_port() -> int:
    """A TCP port that nobody on this machine listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running server, which can be stopped, killed and started again on what it kept."""

    url: str
    command: Sequence[str]
    log: Path
    ends_by: signal.Signals
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins to run; it answers a moment later, see `wait`."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def stop(self, how: signal.Signals | None = None) -> None:
        """Ends it: in order, or by the given signal."""
        if self.process is not None:
            self.process.send_signal(how or self.ends_by)
            self.process.wait(30)
            self.process = None

    def wait(self) -> None:
        """Returns when it answers. Raises CannotStart."""
        deadline = time.monotonic() + STARTING_SECONDS
        while not _answers(self.url):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(self.log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        if url.startswith("redis"):
            return bool(redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1).ping())
        psycopg.connect(url, connect_timeout=2).close()
    except (psycopg.Error, redis.RedisError):
        return False
    return True


@contextmanager
def postgresql(database: str = "visio") -> Iterator[Server]:
    """A PostgreSQL with one empty database, whose URL is ``url``."""
    with _folder("visio-postgresql-") as folder:
        somebody = _somebody(folder)
        password = secrets.token_urlsafe(16)
        (folder / "password").write_text(password)
        _give(folder / "password", folder)
        cluster = folder / "cluster"
        made = subprocess.run(
            [*somebody, _program("initdb"), "--no-sync", "--auth=scram-sha-256", "--username=visio",
             f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={cluster}"],
            capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            raise CannotStart(made.stderr)
        port = free_port()
        options = _UNSAFE_AND_FAST | {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
        }
        command = [*somebody, _program("postgres"), "-D", str(cluster)]
        command += [f"--{name}={value}" for name, value in options.items()]
        at = f"postgresql://visio:{password}@127.0.0.1:{port}"
        server = Server(f"{at}/postgres", command, folder / "log", signal.SIGINT)
        with _running(server):
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{database}"')
            server.url = f"{at}/{database}"
            yield server


@contextmanager
def redis_server() -> Iterator[Server]:
    """A Redis that keeps nothing."""
    with _folder("visio-redis-") as folder:
        port, password = free_port(), secrets.token_urlsafe(16)
        settings = f'port {port}\nbind 127.0.0.1\nrequirepass {password}\nsave ""\ndir {folder}\n'
        (folder / "redis.conf").write_text(settings)
        command = [*_dying_with_us("TERM"), _program("redis-server"), str(folder / "redis.conf")]
        server = Server(f"redis://:{password}@127.0.0.1:{port}/0", command, folder / "log", signal.SIGTERM)
        with _running(server):
            yield server


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        server.wait()
        yield
    finally:
        server.stop()


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    if found := find(name):
        return found
    raise CannotStart(f"{name} is not installed: apt install {PROGRAMS[name]}.")


def _dying_with_us(signal_name: str) -> list[str]:
    return [_program("setpriv"), f"--pdeathsig={signal_name}"]


def _somebody(folder: Path) -> list[str]:
    """The words before a command that make it run as somebody other than root, whom PostgreSQL refuses.

    The folder becomes theirs. Where root is only the name of an ordinary user within a namespace, as in
    tests/netns.sh, there is nobody else; but a namespace within may give that user another name.
    """
    dying = _dying_with_us("INT")
    if os.geteuid() != 0:
        return dying
    if _root_in_name_only():
        return [*dying, _program("unshare"), "--user", "--map-user=1000", "--map-group=1000"]
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    as_user = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [dying[0], *as_user, dying[1]]


def _root_in_name_only() -> bool:
    inside, outside, count = map(int, Path("/proc/self/uid_map").read_text().split()[:3])
    return (inside, count) == (0, 1) or outside != 0


def _give(path: Path, folder: Path) -> None:
    """The file goes to whoever owns the folder."""
    owner = folder.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
