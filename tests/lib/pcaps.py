# SPDX-License-Identifier: GPL-2.0-only
"""Writes captures by hand: pcap and pcapng of any link type, byte order and resolution, whole or
damaged, and the few frames that tests need. Checksums are not computed: nobody looks at them."""

import socket
import struct

EN10MB, NULL, RAW, SLL, IPV4, IPV6, SLL2, IEEE80211 = 1, 0, 101, 113, 228, 229, 276, 105
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ip(src, dst, proto, body):
    if ":" in src:
        return (struct.pack("!IHBB", 6 << 28, len(body), proto, 64) +
                socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) +
                body)
    return (struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) +
            socket.inet_aton(src) + socket.inet_aton(dst) + body)


def tcp(src, dst, sport, dport, flags, seq=1, ack=0, data=b""):
    return ip(src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff,
                                       ack & 0xffffffff, 0x50, flags, 65535, 0, 0) + data)


def udp(src, dst, sport, dport, data=b"x"):
    return ip(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data)


def ether(packet):
    """Ethernet around an IP packet."""
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0") + packet


def cooked(packet, kind=0):
    return struct.pack("!HHH6s2sH", kind, 1, 6, b"\x02\0\0\0\0\2", b"",
                       0x86dd if packet[0] >> 4 == 6 else 0x800) + packet


def cooked2(packet, kind=0):
    return struct.pack("!HHIHBB6s2s", 0x86dd if packet[0] >> 4 == 6 else 0x800, 0, 2, 1, kind, 6,
                       b"\x02\0\0\0\0\2", b"") + packet


def null(packet):
    return struct.pack("=I", 10 if packet[0] >> 4 == 6 else 2) + packet


def write(path, frames, link=EN10MB, order="<", nano=False, snap=262144):
    """frames: (seconds, bytes) or (seconds, bytes, length on the wire)."""
    unit = 10**9 if nano else 10**6
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snap,
                            link))
        for at, data, *length in frames:
            ticks = round(at * unit)
            f.write(struct.pack(order + "IIII", ticks // unit, ticks % unit, len(data),
                                length[0] if length else len(data)) + data)
    return str(path)


def _block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def write_ng(path, frames, resolutions=(6,), links=EN10MB, snaps=262144, order="<", offset=0):
    """pcapng with an interface for each resolution (if_tsresol), of that link and snapshot length
    each; frames: (seconds, bytes, interface)."""
    def of(values, i):
        return values[i] if isinstance(values, tuple) else values

    def unit(power):
        return 2**(power & 127) if power & 128 else 10**power

    with open(path, "wb") as f:
        f.write(_block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order))
        for i, power in enumerate(resolutions):
            f.write(_block(1, struct.pack(order + "HHI", of(links, i), 0, of(snaps, i)) +
                           struct.pack(order + "HHB3xHHqHH", 9, 1, power, 14, 8, offset, 0, 0), order))
        for at, data, iface in frames:
            ticks = round((at - offset) * unit(resolutions[iface]))
            f.write(_block(6, struct.pack(order + "IIIII", iface, ticks >> 32, ticks & 0xffffffff,
                                          len(data), len(data)) + data, order))
    return str(path)


def read(path):
    """(seconds, bytes, length on the wire) of a pcap of this machine's byte order."""
    with open(path, "rb") as f:
        raw = f.read()
    at, out = 24, []
    while at < len(raw):
        s, us, had, length = struct.unpack_from("<IIII", raw, at)
        out.append((s + us / 1e6, raw[at + 16:at + 16 + had], length))
        at += 16 + had
    return out


def write_long(path, size, start, server, chunk=8192):
    """A capture of about so many bytes, written in constant memory: full data packets, small ACKs,
    SYNs and UDP, each of a source of its own, ten thousand a second, in nanoseconds. Returns how many
    packets are in it."""
    kinds = [ether(p) for p in (
        tcp("20.0.0.0", server, 40000, 80, ACK, 5, 6, b"d" * 1446), tcp("20.0.0.0", server, 40000, 80, ACK, 5, 6),
        tcp("20.0.0.0", server, 40000, 80, SYN), tcp("20.0.0.0", server, 40000, 80, ACK, 9, 9, b"d" * 1446),
        udp("20.0.0.0", server, 5000, 80, b"d" * 300))]
    part, offsets = bytearray(), []
    for i in range(chunk):
        offsets.append(len(part))
        part += struct.pack("<IIII", 0, 0, len(kinds[i % 5]), len(kinds[i % 5])) + kinds[i % 5]
    count = 0
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, EN10MB))
        while f.tell() < size:
            for at in offsets:
                struct.pack_into("<II", part, at, start + count // 10000, count % 10000 * 100000)
                struct.pack_into("!I", part, at + 16 + 14 + 12, 0x14000000 + (count * 2654435761 & 0xfffffff))
                count += 1
            f.write(part)
    return count
