"""Addresses, keys and everything that is not media, on each data plane."""

import asyncio
import socket

from meetings.relay.interface import Address
from meetings.relay.plane import DataPlane
from tests.meetings.relay.packets import rtp

from .client import Client, listening, microphone
from .conftest import make_plane
from .test_forwarding import opus, until

REPORT = bytes.fromhex("80c90001") + bytes(4)


async def test_hostile_packets_are_dropped_and_counted(plane, clients) -> None:
    publisher, _ = clients
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with stranger:
        stranger.sendto(rtp(5, 1, 0, b"x"), ("127.0.0.1", plane.port))
        publisher.raw(rtp(5, 1, 0, b"not encrypted, long enough to look so"))
        publisher.raw(b"\x80\xc8" + bytes(40))
        publisher.raw(b"\x80")
        publisher.media(rtp(6, 1, 0, b"nobody's"))
        await until(lambda: publisher.unknown)
        await until(lambda: plane.counters().get("unknown"))
    counters = plane.counters()
    assert (counters["strangers"], counters["unprotect_failed"], counters["unknown"]) == (1, 2, 1)
    assert [header.ssrc for header in publisher.unknown] == [6]


async def test_rtcp_goes_both_ways_in_the_clear_to_us(plane, clients) -> None:
    publisher, subscriber = clients
    await asyncio.sleep(0.05)
    publisher.raw(publisher.send.protect_rtcp(REPORT))
    plane.send_rtcp(2, REPORT)
    assert subscriber.receive.unprotect_rtcp(await subscriber.datagram()) == REPORT
    await until(lambda: publisher.rtcp)
    assert publisher.rtcp == [REPORT]


async def test_stun_and_dtls_go_where_they_belong(plane, clients) -> None:
    publisher, subscriber = clients
    publisher.raw(b"\0\1check")
    assert await publisher.datagram() == b"\0stun\0\1check"
    publisher.raw(b"\x16hello")
    plane.send_datagram(2, b"\x16flight")
    assert await subscriber.datagram() == b"\x16flight"
    await until(lambda: publisher.dtls)
    assert publisher.dtls == [b"\x16hello"]


async def test_all_that_a_peer_gets_comes_from_the_address_it_checked(plane_name: str) -> None:
    """Regression: DTLS and media came from a machine's first address, whichever was nominated."""

    def answer(data: bytes, address: Address, local: str) -> bytes | None:
        assert plane.bind(1, address, preferred=True, local=local)
        return b"\0answer"

    plane: DataPlane = make_plane(plane_name, bind="", stun=answer)
    await plane.start()
    client = Client(plane, 1)
    try:
        client.socket.connect(("127.0.0.2", plane.port))  # hears nobody else from here on
        client.socket.send(b"\0\1check")
        assert await client.datagram() == b"\0answer"
        plane.send_datagram(1, b"\x16flight")
        assert await client.datagram() == b"\x16flight"
        plane.send_rtcp(1, report := bytes.fromhex("80c80006" + "00000005" + "00" * 20))
        assert client.receive.unprotect_rtcp(await client.datagram()) == report
    finally:
        client.socket.close()
        await plane.stop()


async def test_media_cross_from_one_address_family_to_the_other(plane_name: str) -> None:
    plane = make_plane(plane_name, bind="")
    await plane.start()
    publisher, subscriber = Client(plane, 1), Client(plane, 2)
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
            six.bind(("::1", 0))
            six.settimeout(2)
            assert plane.bind(2, six.getsockname()[:2], preferred=True, local="::1")
            subscriber.socket.close()
            subscriber.socket = six
            plane.add_stream(microphone())
            plane.subscribe(listening())
            plane.steer(3, 5)
            await asyncio.sleep(0.05)
            publisher.media(opus(1))
            assert (await subscriber.rtp())[1] == b"hello"
            six.sendto(subscriber.send.protect_rtcp(REPORT), ("::1", plane.port))
            await until(lambda: subscriber.rtcp)
    finally:
        publisher.socket.close()
        await plane.stop()


async def test_addresses_are_bounded_and_go_with_the_transport(plane, clients) -> None:
    publisher, _ = clients
    answers = [plane.bind(1, ("127.0.0.1", port), preferred=False) for port in range(1, 20)]
    assert answers == 7 * [True] + 12 * [False]
    assert plane.counters()["addresses_refused"] == 12
    await plane.close(1)
    publisher.raw(b"\x16hello")
    await until(lambda: plane.counters().get("strangers") == 1)
    assert publisher.dtls == []


async def test_a_client_may_change_its_network_as_often_as_it_likes(plane, clients, clock) -> None:
    """Regression: addresses were never forgotten, and the ninth network of a long call was refused."""
    subscriber = clients[1]
    for port in range(1, 30):
        clock.ahead += 31
        assert plane.bind(2, ("127.0.0.1", port), preferred=True)
    clock.ahead += 31
    assert plane.bind(2, subscriber.socket.getsockname(), preferred=True)
    plane.send_datagram(2, b"\x16here")
    assert await subscriber.datagram() == b"\x16here"


async def test_nobody_takes_an_address_that_another_uses(plane, clients, clock) -> None:
    """Regression: a check with a forged source address led a victim's packets to the forger's transport."""
    publisher, _ = clients
    address = publisher.socket.getsockname()
    assert not plane.bind(2, address, preferred=True)
    publisher.raw(b"\x16mine")
    await until(lambda: publisher.dtls)
    assert (publisher.dtls, plane.counters()["addresses_contested"]) == ([b"\x16mine"], 1)
    clock.ahead = 31
    assert plane.bind(2, address, preferred=True)
    await plane.close(1)
    assert plane.bind(2, address, preferred=False)


async def test_nothing_is_left_of_a_transport_that_was_closed(plane, clients) -> None:
    for client in clients:
        await plane.close(client.number)
    assert not any(plane.sizes().values())
