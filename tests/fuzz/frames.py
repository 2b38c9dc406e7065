# SPDX-License-Identifier: GPL-2.0-only
"""Frames of every shape from scapy, and their damage; pcap files in and out."""

import logging
import struct

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (ARP, Dot1AD, Dot1Q, Ether, ICMP, ICMPv6EchoRequest, ICMPv6ND_NS,  # noqa: E402
                       ICMPv6PacketTooBig, IP, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, TCP,
                       UDP)


def read(path):
    with open(path, "rb") as f:
        head = f.read(24)
        order = "<" if head[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        out = []
        while True:
            rec = f.read(16)
            if len(rec) < 16:
                return out
            caplen, wire = struct.unpack(order + "II", rec[8:])
            out.append(f.read(caplen).ljust(wire, b"\0"))


def write(path, data):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(data):
            f.write(struct.pack("<IIII", i // 1000, i % 1000 * 1000, len(frame), len(frame)))
            f.write(frame)


def ext(rng):
    pick = rng.randrange(4)
    if pick == 0:
        return IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(rng.choice([4, 12])))])
    if pick == 1:
        return IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(rng.choice([4, 12, 36])))])
    if pick == 2:
        return IPv6ExtHdrRouting(addresses=["2001:db8::%d" % rng.randrange(9)], segleft=0)
    return IPv6ExtHdrFragment(id=rng.getrandbits(32))


def upper(rng, six):
    body = Raw(rng.randbytes(8 * rng.randrange(12)))
    pick = rng.randrange(8)
    sport, dport = rng.randrange(65536), rng.choice([53, 80, 123, 443, rng.randrange(65536)])
    if pick < 3:
        return TCP(sport=sport, dport=dport, flags=rng.randrange(256), seq=rng.getrandbits(32),
                   options=[("MSS", 1460)] * rng.randrange(3)) / body
    if pick < 6:
        return UDP(sport=sport, dport=dport) / body
    if not six:
        return ICMP(type=rng.choice([0, 3, 8, 11]), code=rng.randrange(5)) / body
    return rng.choice([ICMPv6EchoRequest(data=b"x" * 16), ICMPv6PacketTooBig(mtu=1280),
                       ICMPv6ND_NS(tgt="2001:db8::1")])


def ip4(rng):
    ip = IP(src="%d.%d.%d.%d" % tuple(rng.randrange(1, 224) for _ in range(4)), dst="192.0.2.80",
            ttl=rng.randrange(1, 256), options=[IPOption_NOP()] * rng.randrange(0, 41, 4))
    pick = rng.randrange(6)
    if pick == 0:
        ip.frag, ip.flags, ip.proto = rng.randrange(3, 4000), rng.randrange(2), rng.choice([1, 6, 17])
        return ip / Raw(rng.randbytes(8 * rng.randrange(1, 20)))
    if pick == 1:
        ip.flags = "MF"
        return ip / UDP(sport=rng.randrange(1, 65536), dport=53, len=4000) / Raw(rng.randbytes(64))
    return ip / upper(rng, False)


def ip6(rng):
    ip = IPv6(src="2001:db8:%x::%x" % (rng.randrange(1, 65536), rng.randrange(1, 65536)),
              dst="2001:db8::80", hlim=rng.choice([64, 255, rng.randrange(1, 256)]))
    for _ in range(rng.choice([0, 0, 0, 1, 2, 3, 7, 8])):
        ip = ip / ext(rng)
    if rng.randrange(6) == 0 and bytes(ip)[6] not in (0, 43, 44, 60):
        return ip / IPv6ExtHdrFragment(m=rng.randrange(2), offset=rng.randrange(3, 4000), nh=17) / \
            Raw(rng.randbytes(8 * rng.randrange(1, 20)))
    return ip / upper(rng, True)


def whole(rng, n):
    """n well-formed frames."""
    out = []
    for _ in range(n):
        eth = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
        tags = rng.choice([0, 0, 0, 1, 2, 3])
        for i in range(tags):
            eth = eth / (Dot1AD if tags == 2 and not i else Dot1Q)(vlan=rng.randrange(1, 4095))
        pick = rng.randrange(20)
        inner = ARP() if pick == 0 else ip4(rng) if pick < 10 else ip6(rng)
        if pick == 1:
            eth.lastlayer().type = 0x88cc
            inner = Raw(bytes(50))
        out.append(bytes(eth / inner) + bytes(rng.choice([0, 0, 7])))
    return out


def damage(rng, frame):
    """A copy with a few bytes changed, cut, or grown, mostly where headers are."""
    b = bytearray(frame)
    for _ in range(rng.choice([1, 1, 2, 4])):
        pick = rng.randrange(8)
        at = min(rng.choice([rng.randrange(12, 74), rng.randrange(len(b))]), len(b) - 1)
        if pick < 5:
            b[at] = rng.choice([0, 1, 4, 5, 6, 17, 44, 60, 255, rng.randrange(256), b[at] ^ 1 << rng.randrange(8)])
        elif pick < 7:
            del b[max(14, at):]
        else:
            b += rng.randbytes(rng.randrange(40))
    return bytes(b).ljust(14, b"\0")
