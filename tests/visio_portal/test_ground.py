"""The variables that name other servers: what they mean, and one sentence without passwords for bad ones."""

from pathlib import Path

import pytest

from visio_portal import environment, ground
from visio_portal.environment import BadEnvironment


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


def test_without_urls_visio_needs_no_other_server(tmp_path: Path) -> None:
    services = environment.read().services
    assert (dict(services.postgresql), services.redis, services.worker_may_be_apart) == ({}, "", False)
    (database,) = ground.databases(services, tmp_path).values()
    assert database["NAME"] == tmp_path / "visio.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_is_used_with_everything_its_url_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://visio:p%40ss@db.example:5433/archive?sslmode=verify-full"
    )
    (database,) = ground.databases(environment.read().services, tmp_path).values()
    wanted = {"NAME": "archive", "USER": "visio", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "5433"}
    assert wanted.items() <= database.items()
    assert database["OPTIONS"]["sslmode"] == "verify-full"


def test_wake_ups_go_through_redis_unless_another_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:6380/0")
    assert environment.read().services.broker == "redis://:secret@127.0.0.1:6380/0"
    monkeypatch.setenv("CELERY_BROKER_URL", "rediss://broker.example:6379/1")
    assert environment.read().services.broker == "rediss://broker.example:6379/1"
    assert environment.read().services.worker_may_be_apart


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "mysql://visio:s3cret@db.example/visio"),
        ("DATABASE_URL", "postgresql://visio:s3cret@db.example:5432"),
        ("DATABASE_URL", "postgresql://visio:s3cret@db.example:5432/visio?colour=blue"),
        ("DATABASE_URL", "postgresql://visio:s3cret@[db.example/visio"),
        ("REDIS_URL", "127.0.0.1:6379/s3cret"),
        ("REDIS_URL", "redis://:s3cret@:6379"),
        ("REDIS_URL", "redis://:s3cret@127.0.0.1:none/0"),
        ("REDIS_URL", "redis://:s3cret@127.0.0.1:6379/0?socket_timeout=soon"),
        ("CELERY_BROKER_URL", "amqp://visio:s3cret@mq.example"),
    ],
)
def test_an_unusable_url_is_named_and_its_password_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(BadEnvironment, match=f"^{name} ") as refused:
        environment.read()
    assert "s3cret" not in str(refused.value)
    assert "is its form" in str(refused.value) or "must begin with" in str(refused.value)
