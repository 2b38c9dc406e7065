# SPDX-License-Identifier: GPL-2.0-only
"""What the manual promises, written down a second time and as simply as possible: a policy, and which
reasons a packet may end in. Made from the manual pages, not from the program.

A limit is rate x time + burst and never less than 98 % of it, so a packet at the edge may go either
way. The model keeps both ends of what the promise allows: within it is a duty to pass or to drop."""

SECOND = 10 ** 9
FOREVER = 1 << 62
# What rounding may take here, where rates are moderate, and the step of time; far below the 2 %.
LESS, STEP = 1.0002, 1000


class Bucket:
    """The token bucket as a time stamp: until when what has been taken is paid for."""

    __slots__ = ("least", "most")

    def __init__(self):
        self.least = self.most = 0

    def fits(self, rate, now, n=1):
        """True, False, or None: either is within the promise."""
        per, burst = rate
        window = per * burst
        if max(self.most, now) + per * n * LESS + STEP <= now + window:
            return True
        if max(self.least, now) + per * n - STEP > now + window:
            return False
        return None

    def charge(self, rate, now, n=1, surely=True):
        if surely:
            self.least = max(self.least, now) + rate[0] * n
        self.most = max(self.most, now) + rate[0] * n * LESS + STEP


class Policy:
    """limits: {class: {kind: (ns each, burst) or None}}; budgets: {name: the same}. Services:
    {(address or None, "tcp"|"udp", port): name}; closed: {address: name}."""

    def __init__(self):
        self.limits, self.budgets, self.rules, self.closed, self.sieged = {}, {}, {}, {}, {}
        self.lanes = []  # (lane, family, first, last, until, class)
        self.everywhere, self.to_services = set(), set()
        self.factor = 16

    def lane(self, family, addr, now):
        """(lane, class): the first lane wins; of classes the longest prefix."""
        best = None
        for order, (lane, fam, first, last, until, name) in enumerate(self.lanes):
            if fam != family or not first <= addr <= last or until <= now:
                continue
            rank = (("management", "trusted", "blocked", "class").index(lane), last - first, order)
            if best is None or rank < best[0]:
                best = (rank, lane, name)
        return (best[1], best[2]) if best else (None, None)

    def service(self, p):
        """(service, what is wrong): named by address first, then by port alone."""
        other = "udp" if p.proto == "tcp" else "tcp"
        if p.proto in ("tcp", "udp") and not p.later:
            for addr in (p.dst, None):
                if (addr, p.proto, p.dport) in self.rules:
                    return self.rules[addr, p.proto, p.dport], None
            for addr in (p.dst, None):
                if (addr, other, p.dport) in self.rules:
                    return self.rules[addr, other, p.dport], "unspoken"
        if p.dst not in self.closed:
            return "host", None
        closed = self.closed[p.dst]
        if p.proto in ("tcp", "udp") and not p.later:
            # Replies still come back, and a SYN is none.
            return ("host" if p.dport >= 32768 else closed,
                    None if p.dport >= 32768 and not p.syn else "unspoken")
        return closed, None if p.proto in ("tcp", "udp", "icmp") else "unspoken"


class Model:
    def __init__(self, policy):
        self.policy = policy
        self.buckets = {}
        self.known = set()
        self.undecided = 0

    def bucket(self, key):
        b = self.buckets.get(key)
        if b is None:
            b = self.buckets[key] = Bucket()
        return b

    def judge(self, p, now):
        """({reason: what to charge if that is what happens}, services it may be counted for)."""
        lane, name = self.policy.lane(p.family, p.src, now) if p.src is not None else (None, None)
        if p.own and p.own != "deep":
            found = self.budget(p.own, now, *OWN[p.own])
            # Strangers may use that budget up, but not for those who need none.
            if p.own not in ("arp", "other_l3") and lane in ("management", "trusted") and found.pop(
                    OWN[p.own][1], None) is not None:
                found.update(self.in_lane(p, now, lane, name))
            return found
        if p.defect == "short":
            # What is cut off also makes the total length one that cannot be.
            return {"short": (), "ip_header": ()}
        if p.defect:
            return {p.defect: ()}
        return self.in_lane(p, now, lane, name)

    def in_lane(self, p, now, lane, name):
        """What is decided by who it is from and where it goes."""
        if lane == "management":
            return {"management": ()}
        if lane == "blocked":
            return {"blocked": ()}
        if p.own == "deep":
            return self.budget(p.own, now, *OWN[p.own])
        service, wrong = self.policy.service(p)
        if p.proto == "udp" and not p.later and (p.sport in self.policy.everywhere or (
                p.sport in self.policy.to_services and service != "host")):
            return {"reflected": ()}
        if wrong:
            return {wrong: ()}
        if lane == "trusted":
            found = self.budget("trusted", now, "trusted", "trusted_over")
            if "trusted_over" in found and p.syn:
                # Beyond the ceiling she may still prove herself, like a stranger.
                found[self.stranger(p, service)] = found.pop("trusted_over")
            return found
        return self.source(p, now, name or "default", service)

    def budget(self, name, now, yes, no):
        rate = self.policy.budgets.get(name)
        if rate is None:
            return {yes: ()}
        b = self.bucket(name)
        fits = b.fits(rate, now)
        found = {} if fits is False else {yes: ((b, rate, 1),)}
        if not fits:
            found[no] = ()
        return found

    def source(self, p, now, name, service):
        """Its limits, any of those it is over; then those of its /48, then the crowd's say."""
        src = (4, p.src) if p.family == 4 else (6, p.src >> 64)
        charges, found = [], {}
        nets = [(src, 1, None)]
        if p.family == 6:
            nets.append(((48, p.src >> 80), self.policy.factor, "net48"))
        for who, factor, reason in nets:
            over, own = False, tuple(charges)
            for kind in kinds(p):
                rate = self.policy.limits[name][kind]
                if rate is None:
                    continue
                rate = (rate[0] / factor, rate[1] * factor)
                n = p.length if kind == "bytes" else 1
                b = self.bucket((who, kind))
                fits = b.fits(rate, now, n)
                if not fits:
                    # What its /48 loses, a /64 that is known may or may not be charged for.
                    found[reason or "source_" + kind] = own if reason and src in self.known else ()
                over = over or fits is False
                charges.append((b, rate, n))
            if over:
                return found
        found[self.crowd(p, src, service)] = tuple(charges)
        return found

    def crowd(self, p, src, service):
        """No socket is here, so nobody is proven; budgets are off, but a siege asks everybody."""
        siege = self.policy.sieged.get(service)
        if not siege:
            return "source_ok" if src in self.known else "newcomer"
        return self.stranger(p, service) or ("source_ok" if src in self.known else "newcomer")

    def stranger(self, p, service):
        siege = self.policy.sieged.get(service, "cookie")
        if p.fragment:
            return "crowd_fragments"
        if p.proto == "tcp":
            if not p.syn and siege == "cookie":
                return "out_of_state"
            if not p.syn:
                # The server's sockets are elsewhere: nobody here can say what belongs to them.
                return None
            return "retransmit_wait" if siege == "retransmit" else "cookie_over"
        return {"udp": "crowd_udp", "icmp": "crowd_icmp"}.get(p.proto, "crowd_other")

    def accounts(self, p, now, reason):
        """In how many sources' accounts the packet may be: what the crowd's budgets refuse of who proved
        nothing is in none, unless a class or lane names him."""
        if reason in ("newcomer", "source_ok", "trusted", "trusted_over") or reason.startswith("source_"):
            return (1,)
        if reason == "net48":  # a /64 that is not known may be refused with its /48
            return (1,) if (6, p.src >> 64) in self.known else (0, 1)
        if reason in CROWD:
            return (1,) if any(self.policy.lane(p.family, p.src, now)) else (0,)
        return (0,)

    def happened(self, p, now, found, reason):
        """The program decided: remember what it means."""
        self.undecided += len(found) > 1 and p.defect is None
        for b, rate, n in found[reason]:
            b.charge(rate, now, n, reason != "net48")
        if reason in SEEN:
            self.known.add((4, p.src) if p.family == 4 else (6, p.src >> 64))


# What the crowd's budgets refuse.
CROWD = {"out_of_state", "cookie_over", "retransmit_wait", "crowd_udp", "crowd_icmp",
         "crowd_fragments", "crowd_other"}

# A source whose packet ends so has been entered into the table, also when a siege then dropped it.
SEEN = {"newcomer", "source_ok", "trusted", "trusted_over"} | CROWD

# Budgets of their own: what within and what beyond is called.
OWN = {
    "arp": ("essential", "essential_over"),
    "nd": ("essential", "essential_over"),
    "dhcp": ("essential", "essential_over"),
    "pmtu": ("essential", "essential_over"),
    "other_l3": ("other_l3", "other_l3_over"),
    "deep": ("bypass_deep", "bypass_deep_over"),
}


def kinds(p):
    """The first two, and at most one of the others."""
    if p.fragment:
        return ("packets", "bytes", "fragments")
    if p.proto == "tcp":
        return ("packets", "bytes", "syn") if p.syn else ("packets", "bytes")
    return ("packets", "bytes", p.proto) if p.proto in ("udp", "icmp") else ("packets", "bytes")
