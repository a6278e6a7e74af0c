"""Which addresses may be dialled."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.addresses import AddressRefused, NameUnknown, address_problem, check_public

PRIVATE = (
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1"),
    *("fd00::1", "fc00::1", "fec0::1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1"),
)
NEVER = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1"),
    *(
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
    ),
    *("::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("fd00:ec2::254", "100.100.100.200", "nonsense", ""),
)
PUBLIC = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "203.0.113.80")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_a_word_of_the_operator(address: str) -> None:
    assert address_problem(address) is not None
    assert address_problem(address, is_exempt=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_dialled(address: str) -> None:
    assert address_problem(address) is not None
    assert address_problem(address, is_exempt=True) is not None


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_alike(address: object) -> None:
    plain = address_problem(str(address))
    mapped = address_problem(f"::ffff:{address}")
    assert (plain is None) == (mapped is None)


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async def resolver(_: str, __: int) -> list[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(AddressRefused, match="private address"):
        await check_public("x.example", 443, resolver=resolver)
    assert await check_public("x.example", 443, resolver=resolver, private_hosts=["X.example"])


async def test_a_name_that_nobody_knows() -> None:
    async def resolver(_: str, __: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(NameUnknown):
        await check_public("x.example", 443, resolver=resolver)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
async def test_the_host_s_own_resolver(host: str) -> None:
    with pytest.raises(AddressRefused):
        await check_public(host, 80)
