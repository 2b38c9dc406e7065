# SPDX-License-Identifier: GPL-2.0-only
"""What scapy and tshark make of frames, in the terms of struct pkt.

A record is a dict: family, src, dst, vlans, and, where the decoder says so, proto, sport, dport,
flags, type, code, fragment, later, hops. A key that is missing means that it cannot say.
"""

import ipaddress
import logging
import struct
import subprocess
import tempfile

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import (Dot1AD, Dot1Q, Ether, ICMP, IP, IPv6, IPv6ExtHdrFragment,  # noqa: E402
                       TCP, UDP)
from scapy.layers.inet6 import _ICMPv6  # noqa: E402

# RFC 8200, 4302, 6275: numbers that announce a header of known length
EXTENSIONS = {0, 43, 44, 51, 60, 135}


def length(raw, at, number):
    """Bytes of the extension header number at raw[at:], by its own field."""
    if number == 44:
        return 8
    return (raw[at + 1] + 2) * 4 if number == 51 else (raw[at + 1] + 1) * 8


def of_scapy(data):
    """Record of one frame, or None where scapy itself gives up."""
    try:
        return scapy_record(data)
    except (struct.error, IndexError):
        return None


def scapy_record(data):
    """scapy decodes Ethernet, tags, IP and layer 4; IPv6 chains are walked by
    their announced lengths, for scapy guesses types from content there."""
    p = Ether(data)
    rec = {"vlans": 0}
    layer = p.payload
    while isinstance(layer, (Dot1Q, Dot1AD)):
        rec["vlans"] += 1
        layer = layer.payload
    if isinstance(layer, IP):
        rec.update(family=4, src=layer.src, dst=layer.dst, proto=layer.proto, hops=layer.ttl,
                   fragment=int(bool(layer.flags.MF or layer.frag)), later=int(layer.frag > 0))
        rec["inner"] = layer.payload
    elif isinstance(layer, IPv6):
        rec.update(family=6, src=str(ipaddress.ip_address(layer.src)),
                   dst=str(ipaddress.ip_address(layer.dst)), hops=layer.hlim, fragment=0, later=0)
        walk(rec, layer)
    else:
        rec["family"] = 0
    inner = rec.pop("inner", None)
    if rec["family"] and not rec["later"]:
        upper(rec, inner)
    return rec


def walk(rec, ip):
    raw, at, number, count = bytes(ip.payload), 0, ip.nh, 0
    while number in EXTENSIONS and count < 8 and at + 8 <= len(raw):
        count += 1
        if number == 44 and not rec["fragment"]:
            frag = IPv6ExtHdrFragment(raw[at:at + 8])
            rec["fragment"], rec["later"] = int(bool(frag.m or frag.offset)), int(frag.offset > 0)
        at, number = at + length(raw, at, number), raw[at]
        if rec["later"]:
            break
    rec["proto"], rec["headers"] = number, count
    kind = {6: TCP, 17: UDP}.get(number)
    rest = raw[at:]
    if kind and len(rest) >= 8:
        rec["inner"] = kind(rest)
    elif number == 58 and len(rest) >= 4:
        rec["type"], rec["code"] = rest[0], rest[1]


def upper(rec, inner):
    rec.update(sport=0, dport=0)
    if isinstance(inner, TCP):
        rec.update(sport=inner.sport, dport=inner.dport, flags=int(inner.flags) & 0xff)
    elif isinstance(inner, UDP):
        rec.update(sport=inner.sport, dport=inner.dport)
    elif isinstance(inner, (ICMP, _ICMPv6)):
        rec.update(type=inner.type, code=getattr(inner, "code", 0))


FIELDS = ["frame.number", "frame.protocols", "ip.src", "ip.dst", "ip.proto", "ip.ttl", "ip.flags.mf",
          "ip.frag_offset", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.fraghdr.offset",
          "ipv6.fraghdr.more", "tcp.srcport", "tcp.dstport", "tcp.flags", "udp.srcport",
          "udp.dstport", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "_ws.malformed"]
BELOW_L4 = {"ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ipv6.fraghdr", "ah", "mipv6"}


class Tshark:
    """Reads a capture while others do something else. Reassembly is off: a fragment is what it is by
    itself."""

    def __init__(self, path):
        cmd = ["tshark", "-n", "-r", path, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
               "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields", "-E", "occurrence=a",
               "-E", "aggregator=;", "-E", "separator=|"] + [x for f in FIELDS for x in ("-e", f)]
        self.out = tempfile.TemporaryFile("w+")
        self.proc = subprocess.Popen(cmd, stdout=self.out, stderr=subprocess.DEVNULL)

    def records(self):
        """Of all its frames."""
        assert self.proc.wait() == 0
        self.out.seek(0)
        return [tshark_record(dict(zip(FIELDS, line.split("|")))) for line in self.out.read().splitlines()]

    def end(self):
        self.proc.kill()
        self.proc.wait()
        self.out.close()


def first(text):
    return text.split(";")[0]


def number(text):
    text = first(text)
    if text in ("True", "False"):
        return int(text == "True")
    return int(text, 0) if text else 0


def tshark_record(f):
    names = f["frame.protocols"].split(":")
    ip = next((i for i, n in enumerate(names) if n in ("ip", "ipv6")), None)
    rec = {"vlans": sum(n in ("vlan", "ieee8021ad") for n in names[:ip])}
    if ip is None or set(names[:ip]) - {"eth", "ethertype", "vlan", "ieee8021ad"}:
        rec["family"] = 0  # IP in LLC, tunnels and the like are not IP to a filter
        return rec
    six = names[ip] == "ipv6"
    rec.update(family=6 if six else 4, src=first(f["ipv6.src" if six else "ip.src"]),
               dst=first(f["ipv6.dst" if six else "ip.dst"]),
               hops=number(f["ipv6.hlim" if six else "ip.ttl"]))
    offset, more = number(f["ip.frag_offset"]), number(f["ip.flags.mf"])
    if six:  # the first header that is not atomic decides
        pairs = zip(f["ipv6.fraghdr.offset"].split(";"), f["ipv6.fraghdr.more"].split(";"))
        pairs = [(number(o), number(m)) for o, m in pairs]
        offset, more = next((pair for pair in pairs if any(pair)), (0, 0))
    rec.update(fragment=int(bool(offset or more)), later=int(offset > 0))
    if f["_ws.malformed"]:  # tshark stopped somewhere on the way, in options for instance
        return {k: rec[k] for k in ("vlans", "family", "src", "dst", "hops")}
    if not six:
        rec["proto"] = number(f["ip.proto"])
    l4 = next((n for n in names[ip + 1:] if not six or n not in BELOW_L4), "")
    if rec["later"]:
        return rec
    if l4 in ("tcp", "udp"):
        rec.update(proto=6 if l4 == "tcp" else 17, sport=number(f[l4 + ".srcport"]),
                   dport=number(f[l4 + ".dstport"]))
        if l4 == "tcp" and f["tcp.flags"]:
            rec["flags"] = number(f["tcp.flags"]) & 0xff
    elif l4 in ("icmp", "icmpv6"):
        rec.update(proto=1 if l4 == "icmp" else 58, type=number(f[l4 + ".type"]),
                   code=number(f[l4 + ".code"]))
    return rec
