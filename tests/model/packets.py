# SPDX-License-Identifier: GPL-2.0-only
"""Random packets, each as bytes and as what it was meant to be, and random policies, each as the text
of a policy file and as the model's. What a packet is, the model takes from here, never from bytes."""

import ipaddress
import struct

import model

ETH = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
OUR4 = [int(ipaddress.ip_address("198.18.0.%d" % i)) for i in (1, 10, 30, 31)]
OUR6 = [int(ipaddress.ip_address("2001:2::%d" % i)) for i in (1, 10, 30, 31)]
HOST, WEB, SIEGE, RETRY = range(4)
PORTS = (9, 22, 53, 80, 123, 443, 1024, 8080, 32767, 32768, 40000, 65535)
SPORTS = (1, 53, 123, 1900, 11211, 1024, 5000, 33000, 65535)


class Packet:
    __slots__ = ("family", "src", "dst", "proto", "sport", "dport", "syn", "fragment", "later",
                 "length", "own", "defect", "what")

    def __init__(self):
        self.family, self.src, self.dst, self.proto = 4, 0, 0, "tcp"
        self.sport = self.dport = self.length = 0
        self.syn = self.fragment = self.later = False
        self.own = self.defect = None
        self.what = ""


def tcp(r, p, flags):
    options = r.choice((b"", b"", b"\x02\x04\x05\xb4", b"\x01" * 40))
    return struct.pack("!HHIIBBHHH", p.sport, p.dport, r.getrandbits(32), r.getrandbits(32),
                       (5 + len(options) // 4) << 4, flags, 8192, 0, 0) + options


def payload(r, most=64):
    return bytes(r.randrange(most)) if r.random() < 0.6 else bytes(r.randrange(1400))


def ip4(p, proto, body, frag=0, options=b"", ihl=None, version=4, total=None):
    return struct.pack("!BBHHHBBHII", version << 4 | (5 + len(options) // 4 if ihl is None else ihl),
                       0, 20 + len(options) + len(body) if total is None else total, 7, frag, 64,
                       proto, 0, p.src, p.dst) + options + body


def ip6(p, proto, body, hops=64, version=6, total=None):
    return struct.pack("!IHBB", version << 28, len(body) if total is None else total, proto, hops) + \
        p.src.to_bytes(16, "big") + p.dst.to_bytes(16, "big") + body


def wrap(r, p, packet, tags=None):
    """Ethernet, now and then with one or two tags."""
    tags = tags if tags is not None else r.choice((0, 0, 0, 0, 0, 0, 1, 2))
    kind = b"\x08\x00" if p.family == 4 else b"\x86\xdd"
    head = b"".join((b"\x88\xa8" if i == 0 and tags > 1 else b"\x81\x00") + b"\x00\x05"
                    for i in range(tags))
    return ETH + head + kind + packet


class Maker:
    """Packets of a given world: sources, some of them in lanes."""

    def __init__(self, r, sources):
        self.r = r
        self.four = [r.randrange(0x0b000000, 0x7e000000) for _ in range(sources)]
        nets = [0x2a00 << 112 | r.getrandbits(32) << 80 for _ in range(max(4, sources // 40))]
        self.six = [r.choice(nets) | r.randrange(8) << 64 | r.getrandbits(64) for _ in range(sources)]

    def ends(self, p):
        r = self.r
        p.family = r.choice((4, 6))
        # Few of them send most.
        pool = self.four if p.family == 4 else self.six
        p.src = pool[int(len(pool) * r.random() ** 4)]
        where = r.choices((HOST, WEB, SIEGE, RETRY), (6, 3, 1, 1))[0]
        p.dst = (OUR4 if p.family == 4 else OUR6)[where]
        p.sport, p.dport = r.choice(SPORTS), r.choice(PORTS)
        if where in (SIEGE, RETRY):
            p.dport = 22

    def make(self):
        """(Packet, frame)"""
        p = Packet()
        self.ends(p)
        frame = self.r.choices(KINDS, WEIGHTS)[0](self, p)
        p.length = len(frame)
        return p, frame

    def ip(self, p, proto, body, **how):
        if p.family == 4:
            options = self.r.choice((b"",) * 9 + (b"\x01" * 8,))
            return wrap(self.r, p, ip4(p, proto, body, options=options, **how))
        for _ in range(self.r.choice((0,) * 8 + (1, 3, 8))):
            proto, body = 60, struct.pack("!BB6s", proto, 0, b"\x01\x04\0\0\0\0") + body
        return wrap(self.r, p, ip6(p, proto, body, **how))

    # -- what honest and dishonest people send ---------------------------------------------------

    def syn(self, p):
        p.what, p.syn = "syn", True
        return self.ip(p, 6, tcp(self.r, p, self.r.choice((0x02, 0xc2))))

    def ack(self, p):
        p.what = "ack"
        return self.ip(p, 6, tcp(self.r, p, self.r.choice((0x10, 0x18, 0x11, 0x04, 0x14, 0x12, 0x30))) +
                       payload(self.r))

    def udp(self, p):
        p.what, p.proto = "udp", "udp"
        data = payload(self.r)
        return self.ip(p, 17, struct.pack("!HHHH", p.sport, p.dport, 8 + len(data), 0) + data)

    def icmp(self, p):
        p.what, p.proto = "icmp", "icmp"
        kind = self.r.choice((8, 0, 11)) if p.family == 4 else self.r.choice((128, 129, 3, 130))
        return self.ip(p, 1 if p.family == 4 else 58,
                       struct.pack("!BBHHH", kind, 0, 0, 1, 1) + payload(self.r),
                       **({"hops": 1} if kind == 130 else {}))

    def other(self, p):
        p.what, p.proto = "other", "other"
        return self.ip(p, self.r.choice((47, 50, 132, 89)), bytes(range(40)))

    def fragment(self, p):
        """First ones with their ports whole, and later ones."""
        p.what, p.fragment, p.proto = "fragment", True, self.r.choice(("udp", "icmp", "other"))
        p.later = self.r.random() < 0.6
        number = {"udp": 17, "icmp": 1 if p.family == 4 else 58, "other": 47}[p.proto]
        body = struct.pack("!HHHH", p.sport, p.dport, 1400, 0) if p.proto == "udp" else \
            struct.pack("!BBHHH", 8 if p.family == 4 else 128, 0, 0, 1, 1)
        body += bytes(64)
        place = self.r.randrange(64, 4000) if p.later else 0
        more = 1 if not p.later else self.r.randrange(2)
        if p.later:
            p.what = "later fragment"
        if p.family == 4:
            return wrap(self.r, p, ip4(p, number, body, frag=more << 13 | place))
        body = struct.pack("!BBHI", number, 0, place << 3 | more, 7) + body
        return wrap(self.r, p, ip6(p, 44, body))

    # -- what keeps the link alive ---------------------------------------------------------------

    def arp(self, p):
        p.what = p.own = "arp"
        return ETH + b"\x08\x06" + struct.pack("!HHBBH6sI6sI", 1, 0x0800, 6, 4, 1, ETH[6:],
                                               p.src & 0xffffffff, bytes(6), OUR4[0]) + bytes(18)

    def discovery(self, p):
        p.what = p.own = "nd"
        p.proto = "icmp"
        p.family, p.src, p.dst = 6, 0xfe80 << 112 | self.r.getrandbits(64), OUR6[0]
        kind, hops = self.r.choice(((133, 255), (134, 255), (135, 255), (136, 255), (130, 1), (143, 1)))
        return wrap(self.r, p, ip6(p, 58, struct.pack("!BBHI", kind, 0, 0, 0) + bytes(16), hops=hops))

    def dhcp(self, p):
        p.what = p.own = "dhcp"
        p.proto = "udp"
        p.sport, p.dport = sport, dport = (67, 68) if p.family == 4 else (547, 546)
        body = struct.pack("!HHHH", sport, dport, 308, 0) + bytes(300)
        if p.family == 6:
            p.src = 0xfe80 << 112 | self.r.getrandbits(64)
        return wrap(self.r, p, ip4(p, 17, body) if p.family == 4 else ip6(p, 17, body))

    def path_mtu(self, p):
        p.what = p.own = "pmtu"
        p.proto = "icmp"
        kind, code = (3, 4) if p.family == 4 else (2, 0)
        body = struct.pack("!BBHI", kind, code, 0, 1400) + bytes(48)
        return wrap(self.r, p, ip4(p, 1, body) if p.family == 4 else ip6(p, 58, body))

    def lldp(self, p):
        p.what = p.own = "other_l3"
        return ETH + self.r.choice((b"\x88\xcc", b"\x88\x09", b"\x88\x8e")) + bytes(46)

    def deep(self, p):
        p.what = p.own = "deep"
        if self.r.random() < 0.5:
            frame = wrap(self.r, p, ip4(p, 17, bytes(16)) if p.family == 4 else
                         ip6(p, 17, bytes(16)), tags=3)
            p.src = None  # lies deeper than anybody looks
            return frame
        p.family, p.src, p.dst = 6, self.six[0], OUR6[0]
        body, proto = bytes(16), 17
        for _ in range(9):
            proto, body = 60, struct.pack("!BB6s", proto, 0, b"\x01\x04\0\0\0\0") + body
        return wrap(self.r, p, ip6(p, proto, body))

    # -- what no honest stack sends --------------------------------------------------------------

    def broken(self, p):
        """One defect, in an otherwise ordinary packet."""
        p.defect = self.r.choice(("short", "ip_header", "l4_header", "bad_fragment", "tcp_flags",
                                  "port_zero", "land", "bogus_source"))
        p.what = "broken: " + p.defect
        return getattr(self, "bad_" + p.defect)(p)

    def bad_short(self, p):
        """Cut within a header; lengths tell the truth of what should have been there."""
        frame = wrap(self.r, p, ip4(p, 6, tcp(self.r, p, 2)) if p.family == 4 else
                     ip6(p, 6, tcp(self.r, p, 2)), tags=0)
        network = 14 + (20 if p.family == 4 else 40)
        return frame[:self.r.choice((14, 15, 20, network - 1, network, network + 3, network + 7))]

    def bad_ip_header(self, p):
        if p.family == 6:
            return wrap(self.r, p, ip6(p, 6, tcp(self.r, p, 2), version=self.r.choice((0, 4, 5, 7))))
        how = self.r.choice(({"ihl": 4}, {"ihl": 0}, {"version": 6}, {"version": 0}, {"total": 19}))
        return wrap(self.r, p, ip4(p, 6, tcp(self.r, p, 2), **how))

    def bad_l4_header(self, p):
        if self.r.random() < 0.5:
            head = bytearray(tcp(self.r, p, 2))
            head[12] = self.r.randrange(5) << 4
            return self.ip(p, 6, bytes(head))
        return self.ip(p, 17, struct.pack("!HHHH", p.sport, p.dport, self.r.randrange(8), 0))

    def bad_bad_fragment(self, p):
        """Beyond 64 KiB."""
        if p.family == 4:
            return wrap(self.r, p, ip4(p, 17, bytes(64), frag=0x1fff))
        return wrap(self.r, p, ip6(p, 44, struct.pack("!BBHI", 17, 0, 0x1fff << 3, 7) + bytes(64)))

    def bad_tcp_flags(self, p):
        return self.ip(p, 6, tcp(self.r, p, self.r.choice((0x00, 0x03, 0x06, 0x07, 0x29, 0x3f, 0x01))))

    def bad_port_zero(self, p):
        if self.r.random() < 0.5:
            p.dport = 0
            return self.syn(p) if self.r.random() < 0.5 else self.udp(p)
        p.sport = 0  # of UDP that would be right, RFC 768: no answer is asked for
        return self.syn(p)

    def bad_land(self, p):
        p.src = p.dst
        return self.syn(p)

    def bad_bogus_source(self, p):
        four = (0, 0x7f000001, 0xe0000001, 0xffffffff)
        six = (0, 1, 0xff02 << 112 | 1)
        p.src = self.r.choice(four if p.family == 4 else six)
        return self.syn(p)


KINDS = [Maker.syn, Maker.ack, Maker.udp, Maker.icmp, Maker.other, Maker.fragment, Maker.arp,
         Maker.discovery, Maker.dhcp, Maker.path_mtu, Maker.lldp, Maker.deep, Maker.broken]
WEIGHTS = [20, 25, 18, 8, 3, 8, 2, 2, 1, 1, 1, 1, 6]


# -- policies --------------------------------------------------------------------------------------

def some_rate(r, each=1):
    """(text, (ns each, burst)); rates low enough to be met by this many packets."""
    n, per, word = r.choice(((1, 1, "s"), (5, 1, "s"), (50, 1, "s"), (30, 60, "m"), (400, 1, "s")))
    burst = r.choice((4, 20, 100, 1000) if each == 1 else (10, 50, 500)) * each
    return "%d/%s burst %d" % (n * each, word, burst), (per * model.SECOND / (n * each), burst)


def limits(r, policy, name):
    """One class, as text; a packet of any size fits its bytes."""
    lines, policy.limits[name] = [], {}
    only_bytes = r.random() < 0.3
    for kind in ("packets", "bytes", "syn", "udp", "icmp", "fragments"):
        text, rate = some_rate(r, 2000 if kind == "bytes" else 1)
        if r.random() < 0.2 or (only_bytes and kind != "bytes"):
            text, rate = "off", None
        policy.limits[name][kind] = rate
        lines.append("    %s: %s" % (kind, text))
    return lines


def prefix(r, maker, lane, policy, name=None):
    """A prefix round one of the sources."""
    family = r.choice((4, 6))
    addr = r.choice(maker.four if family == 4 else maker.six)
    bits = 32 if family == 4 else 128
    length = r.choice((8, 16, 20, 24, 30, 32) if family == 4 else (16, 44, 48, 56, 64, 128))
    if lane in ("management", "trusted"):
        length = max(length, 24 if family == 4 else 56)
    if lane in ("class", "trusted") and family == 6:
        length = min(length, 48)  # what a /48 with two classes in it may do, the manual leaves open
    first = addr >> (bits - length) << (bits - length)
    last = first | (1 << (bits - length)) - 1
    seconds = None if lane == "class" else r.choice((None, None, 30, 400))
    until = model.FOREVER if seconds is None else seconds * model.SECOND
    policy.lanes.append((lane, family, first, last, until, name))
    # The address, not its number: small IPv6 numbers would read as IPv4.
    cls = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
    return '{ prefix: "%s/%d"%s }' % (cls(first), length,
                                      "" if seconds is None else ", for: %ds" % seconds)


def make_policy(r, maker):
    """(text, model.Policy)"""
    policy = model.Policy()
    policy.factor = r.choice((1, 4, 16))
    text = ["ban_time: off", "net48_factor: %d" % policy.factor, "classes:", "  default:"]
    text += limits(r, policy, "default")
    text += ["  trusted:"] + ["    %s: off" % k for k in
                              ("packets", "bytes", "syn", "udp", "icmp", "fragments")]
    text += ["  nat:"] + limits(r, policy, "nat")
    used = set()

    def several(lane, most, indent, name=None):
        lines = []
        for _ in range(r.randrange(most)):
            line = prefix(r, maker, lane, policy, name)
            key = line.split(",")[0].rstrip(" }")
            if (lane, key) in used:
                policy.lanes.pop()
                continue
            used.add((lane, key))
            lines.append("%s- %s" % (indent, line))
        return lines

    nats = several("class", 12, "      ", "nat")
    text += ["    prefixes:"] + nats if nats else []
    text.append("lanes:")
    text.append("  management: []")
    for lane in ("management", "trusted", "blocked"):
        lines = several(lane, 12, "    ")
        if lane == "management":
            text.pop()
        text += ["  %s:" % lane] + lines if lines else ["  %s: []" % lane]
    text += services(r, policy) + budgets(r, policy)
    policy.everywhere = {1900, 11211}
    policy.to_services = {53, 123}
    text += ["reflection:", "  everywhere: [1900, 11211]", "  services: [53, 123]"]
    return "\n".join(text) + "\n", policy


def services(r, policy):
    off = ["    crowd: { syn: off, packets: off, bytes: off }",
           "    network: { syn: off, packets: off, bytes: off }"]
    text = ["services:", "  host:"] + off
    policy.sieged = {"siege": "cookie", "retry": "retransmit"}
    if r.random() < 0.2:
        policy.sieged["host"] = "cookie"
        text.append("    level: siege")
    table = (("web", WEB, "tcp: [80, 443]", "closed: on"), ("dns", None, "udp: [53]", "proof: off"),
             ("siege", SIEGE, "tcp: [22]", "level: siege"),
             ("retry", RETRY, "tcp: [22]", "{level: siege, proof: retransmit}"))
    for name, where, ports, more in table:
        text.append("  %s:" % name)
        if where is not None:
            text.append('    to: ["%s", "%s"]' % (ipaddress.IPv4Address(OUR4[where]),
                                                 ipaddress.IPv6Address(OUR6[where])))
        text.append("    " + ports)
        text += ["    " + m.strip() for m in more.strip("{}").split(",")] + off
        proto, numbers = ports.split(":")
        for port in numbers.strip(" []").split(","):
            for addr in (OUR4[where], OUR6[where]) if where is not None else (None,):
                policy.rules[addr, proto, int(port)] = name
    policy.closed = {OUR4[WEB]: "web", OUR6[WEB]: "web"}
    return text


def budgets(r, policy):
    text = ["budgets:", "  newcomers4: off", "  newcomers6: off", "  connections: off"]
    for name in ("arp", "nd", "dhcp", "pmtu", "other_l3", "deep", "trusted"):
        line, policy.budgets[name] = some_rate(r)
        text.append("  %s: %s" % (name, line))
    return text
