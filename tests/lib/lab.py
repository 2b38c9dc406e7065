# SPDX-License-Identifier: GPL-2.0-only
"""The lab: two network namespaces, `world` (voters, clerks, attackers) and `srv` (nginx, floodwall
on its interface), joined by one veth pair that is made to behave like a network card as far as it
can: checksums are really computed and checked, NAPI runs in a thread of its own that is pinned.

Everything that a Lab makes carries its name and is gone when it closes: namespaces, pins, processes,
files. Nothing here touches the host's own network.
"""

import atexit
import contextlib
import ipaddress
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from machine import cpus, die_with_parent, napi_threads, put_first
from pages import NGINX_CONF, results_page  # noqa: F401

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get("O", "build")))
FLOODWALL = os.environ.get("FLOODWALL", os.path.join(BUILD, "floodwall"))
BPFFS = "/sys/fs/bpf"

SRV4, SRV6 = "10.77.0.1", "fd77::1"
GATE4, GATE6 = "10.77.0.2", "fd77::2"
# Whole networks of addresses that `world` answers for, so that every client has its own.
VOTERS4, VOTERS6 = "41.80.0.0/13", "2c0f:fe38::/32"
CLERKS4, CLERKS6 = "196.200.16.0/24", "2c0f:f248:10::/48"
KNOWN4, FRESH4 = "41.80.0.1", "41.84.0.1"
KNOWN6, FRESH6 = "2c0f:fe38:0:1::1", "2c0f:fe38:8000:1::1"
LOST_MAX = 0.005  # of a flood: what more was lost outside the filter makes a run the machine's
VISIT = 10  # packets that a visit takes, any of which may have been among those
CLERK4, CLERK6 = "196.200.16.1", "2c0f:f248:10:1::1"

_serial = itertools.count()


class LabError(Exception):
    pass


def came_through(served, tried, lost, share=0.99):
    """Was this share of people served, but for whom the machine kept from it, which lost this share of
    the packets outside the filter?"""
    return served >= (share - VISIT * lost) * tried


def run(argv, check=True, **kw):
    """Runs a command to its end; its output is in the exception when it fails."""
    kw.setdefault("timeout", 300)
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
    if check and p.returncode:
        raise LabError("%s: exit %d\n%s%s" % (" ".join(map(str, argv)), p.returncode, p.stdout,
                                             p.stderr))
    return p


def until(what, seconds=60):
    """The first true answer of what(), or its last one when time, that of slow machines, is up."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.05)


class Job:
    """A tool that runs in the background and ends in one line of JSON."""

    def __init__(self, lab, argv, ns):
        self.argv = argv
        self._said = ""
        self.proc = subprocess.Popen(["nsenter", "--net=/run/netns/" + ns] + argv,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     preexec_fn=die_with_parent)
        lab.jobs.append(self.proc)

    def ticks(self):
        """The newest line that the tool printed on its way (--tick), or None."""
        os.set_blocking(self.proc.stdout.fileno(), False)
        self._said += os.read(self.proc.stdout.fileno(), 1 << 16).decode() if select.select(
            [self.proc.stdout], [], [], 0)[0] else ""
        lines = [l for l in self._said.splitlines() if l.startswith('{"tick"')]
        return json.loads(lines[-1]) if lines else None

    def result(self, timeout=180):
        os.set_blocking(self.proc.stdout.fileno(), True)
        out, err = self.proc.communicate(timeout=timeout)
        out = self._said + out
        if self.proc.returncode:
            raise LabError("%s: exit %d\n%s" % (" ".join(self.argv), self.proc.returncode, err))
        return json.loads(out.strip().splitlines()[-1])

    def _listens(self):
        """Has the tool come as far as to take a SIGTERM, or to its end?"""
        with contextlib.suppress(OSError), open("/proc/%d/status" % self.proc.pid) as f:
            caught = next((int(l.split()[1], 16) for l in f if l.startswith("SigCgt:")), 0)
            return caught >> (signal.SIGTERM - 1) & 1 or self.proc.poll() is not None
        return True

    def stop(self):
        until(self._listens)
        if self.proc.poll() is None:
            self.proc.terminate()
        return self.result()


class Lab:
    def __init__(self, name="lab", mtu=1500, vlan=(), threaded=True, iface="web0",
                 cpu=None):
        ident = os.environ.get("FLOODWALL_TEST_ID") or "fwlab%d" % os.getpid()
        self.name = "%s-%d%s" % (ident, next(_serial), name[:16])
        self.world, self.srv = self.name + "-w", self.name + "-s"
        self.pins = os.path.join(BPFFS, self.name)
        self.mtu, self.vlan, self.threaded = mtu, tuple(vlan), threaded
        self.vlan_devices = bool(self.vlan)
        self.iface, self.out = iface, "isp0"
        self.jobs, self.dir, self.mac, self.cpu = [], None, None, cpu or cpus()
        self.pinned = False  # whether both ends' NAPI threads have a CPU of this lab's choice

    # -- life ------------------------------------------------------------------------------------

    def __enter__(self):
        atexit.register(self.close)
        self.dir = tempfile.mkdtemp(prefix=self.name + "-")
        try:
            self._wire()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        atexit.unregister(self.close)
        for p in reversed(self.jobs):
            if p.poll() is None:
                p.kill()
            p.wait()
        self.jobs.clear()
        if os.path.isdir(self.pins) and self._exists(self.srv):
            self.fw("detach", "--all", check=False)
        for ns in (self.world, self.srv):
            if self._exists(ns):
                run(["ip", "netns", "del", ns], check=False)
        shutil.rmtree(self.pins, ignore_errors=True)
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    @staticmethod
    def _exists(ns):
        return os.path.exists("/run/netns/" + ns)

    # -- wiring ----------------------------------------------------------------------------------

    def ip(self, ns, *lines):
        """Runs lines of `ip -batch` in a namespace."""
        run(["ip", "-n", ns, "-batch", "-"], input="\n".join(lines) + "\n")

    def sysctl(self, ns, **values):
        """net/ipv4/... with dots written as __."""
        run(["ip", "netns", "exec", ns, "sysctl", "-qw"] +
            ["%s=%s" % (k.replace("__", "."), v) for k, v in values.items()])

    def _wire(self):
        for ns in (self.world, self.srv):
            run(["ip", "netns", "add", ns])
            self.sysctl(ns, net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0,
                        net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0,
                        net__ipv6__conf__default__accept_dad=0,
                        net__ipv6__conf__default__accept_ra=0, net__ipv6__ip_nonlocal_bind=1,
                        net__ipv6__conf__default__router_solicitations=0)
            self.ip(ns, "link set lo up")
        self.ip(self.world, "link add %s type veth peer name %s netns %s" %
                (self.out, self.iface, self.srv))
        self._offloads()
        self.ip(self.world, "link set %s mtu %d up" % (self.out, self.mtu))
        self.ip(self.srv, "link set %s mtu %d up" % (self.iface, self.mtu))
        self._pin_napi()
        self.foreign(self.world, self.out, "pass")
        self._addresses()
        # What the world's own kernel would say unasked; it would spoil counting to the packet.
        self.inside(self.world, "nft", "-f", "-", input="table ip6 lab {\nchain out {\ntype filter hook "
                    "output priority 0\nicmpv6 type { 130, 131, 132, 133, 143 } drop\n}\n}\n")

    def foreign(self, ns, dev, what):
        """Puts a program that is not ours on an interface: tests/netns/WHAT.bpf.c."""
        pin = os.path.join(BPFFS, "%s-%s" % (self.name, what))
        run([bpftool(), "prog", "load", os.path.join(BUILD, "tests/netns", what + ".bpf.o"), pin,
             "type", "xdp"])
        try:
            # nsenter, not ip -n: the latter mounts another /sys, without our pins.
            self.inside(ns, "ip", "link", "set", "dev", dev, "xdpdrv", "pinned", pin)
        finally:
            os.unlink(pin)

    def _offloads(self):
        """Off: all that lets a veth cheat (tags and checksums in metadata, packets of 64 KiB). GRO
        on: it gives the interface a NAPI of its own, without which XDP_TX at the other end is lost."""
        for ns, dev in ((self.world, self.out), (self.srv, self.iface)):
            run(["nsenter", "--net=/run/netns/" + ns, "ethtool", "-K", dev, "tx", "off", "gso",
                 "off", "tso", "off", "gro", "on", "txvlan", "off", "rxvlan", "off"], check=False)

    def _pin_napi(self):
        if not self.threaded or self.cpu["napi"] is None:
            return
        self.pinned = True
        for ns, dev, role in ((self.srv, self.iface, "napi"), (self.world, self.out, "clients")):
            before = napi_threads(dev)
            run(["ip", "netns", "exec", ns, "sh", "-c",
                 "echo 1 > /sys/class/net/%s/threaded" % dev], check=False)
            self.pinned &= put_first(napi_threads(dev) - before, self.cpu[role])

    def _mac(self, ns, dev):
        return json.loads(run(["ip", "-n", ns, "-j", "link", "show", dev]).stdout)[0]["address"]

    def _addresses(self):
        self.mac, out_mac = self._mac(self.srv, self.iface), self._mac(self.world, self.out)
        s_dev, w_dev = self._tagged()
        self.ip(self.srv, "addr add %s/24 dev %s" % (SRV4, s_dev),
                "addr add %s/64 dev %s nodad" % (SRV6, s_dev),
                "neigh replace %s lladdr %s dev %s nud permanent" % (GATE4, out_mac, s_dev),
                "neigh replace %s lladdr %s dev %s nud permanent" % (GATE6, out_mac, s_dev),
                "route add default via %s" % GATE4, "route add default via %s" % GATE6)
        self.ip(self.world, "addr add %s/24 dev %s" % (GATE4, w_dev),
                "addr add %s/64 dev %s nodad" % (GATE6, w_dev),
                "neigh replace %s lladdr %s dev %s nud permanent" % (SRV4, self.mac, w_dev),
                "neigh replace %s lladdr %s dev %s nud permanent" % (SRV6, self.mac, w_dev),
                *["route add local %s dev lo" % n for n in (VOTERS4, CLERKS4)],
                *["route add local %s dev lo" % n for n in (VOTERS6, CLERKS6)],
                # Answers to spoofed sources end here in silence, as they do in the real world.
                "route add blackhole 0.0.0.0/0", "route add blackhole ::/0")

    def _tagged(self):
        """The devices that carry the addresses: the pair itself, or VLANs on it. A kernel may have
        no VLAN devices; tagged floods can be sent all the same, and tagged people are skipped."""
        s_dev, w_dev = self.iface, self.out
        protos = ("802.1ad", "802.1Q") if len(self.vlan) > 1 else ("802.1Q",)
        for tag, proto in zip(self.vlan, protos):
            for ns, dev in ((self.srv, s_dev), (self.world, w_dev)):
                p = self.inside(ns, "ip", "link", "add", "link", dev, "name", "%s.%d" % (dev, tag),
                                "type", "vlan", "proto", proto, "id", str(tag), check=False)
                if p.returncode:
                    self.vlan_devices = False
                    return self.iface, self.out
                self.inside(ns, "ip", "link", "set", "%s.%d" % (dev, tag), "up")
                self.inside(ns, "ethtool", "-K", "%s.%d" % (dev, tag), "tx", "off", "gso", "off",
                            check=False)
            s_dev, w_dev = "%s.%d" % (s_dev, tag), "%s.%d" % (w_dev, tag)
        return s_dev, w_dev

    def flap(self):
        """Takes the server's interface down and up, and gives back what the kernel forgets then."""
        gate = self._mac(self.world, self.out)
        self.sysctl(self.srv, **{"net__ipv6__conf__%s__keep_addr_on_down" % self.iface: 1})
        self.ip(self.srv, "link set %s down" % self.iface, "link set %s up" % self.iface,
                *["neigh replace %s lladdr %s dev %s nud permanent" % (g, gate, self.iface)
                  for g in (GATE4, GATE6)],
                *["route replace default via %s" % g for g in (GATE4, GATE6)])

    # -- programs --------------------------------------------------------------------------------

    def inside(self, ns, *argv, check=True, **kw):
        return run(["nsenter", "--net=/run/netns/" + ns] + list(argv), check=check, **kw)

    @property
    def run_dir(self):
        return os.path.join(self.dir or "/tmp", "run")

    def env(self):
        return dict(os.environ, FLOODWALL_PINS=self.pins, RUNTIME_DIRECTORY=self.run_dir,
                    STATE_DIRECTORY=self.dir or "/tmp")

    def fw(self, *argv, check=True, **kw):
        """The command as an admin of the server types it."""
        return self.inside(self.srv, FLOODWALL, *map(str, argv), check=check, env=self.env(), **kw)

    def fwj(self, *argv, check=True):
        """The same with JSON on stdout, parsed."""
        p = self.fw("-j", *argv, check=check)
        return json.loads(p.stdout)

    def popen_fw(self, *argv):
        p = subprocess.Popen(["nsenter", "--net=/run/netns/" + self.srv, FLOODWALL] +
                             list(map(str, argv)), env=self.env(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.jobs.append(p)
        return p

    def daemon(self, *argv, small=True, env=None, before=(), binary=None):
        """Starts `floodwall run` with small tables; said() is what it wrote so far. before: what
        stands in front of the command (setpriv ...), binary: another copy of it."""
        sizes = ("--sources4", "65536", "--sources6", "65536", "--prefixes4", "10000",
                 "--prefixes6", "1000") if small else ()
        said = os.path.join(self.dir, "daemon-%d" % len(self.jobs))
        with open(said, "w", encoding="utf-8") as err:
            p = subprocess.Popen(["nsenter", "--net=/run/netns/" + self.srv, *before,
                                  binary or FLOODWALL, "run", *sizes, *map(str, argv)],
                                 env=dict(self.env(), **(env or {})), stdout=err, stderr=err,
                                 preexec_fn=die_with_parent)

        def read():
            with open(said, encoding="utf-8", errors="replace") as f:
                return f.read()
        p.said = read
        self.jobs.append(p)
        return p

    def attach(self, *options):
        """Small tables: the tests are about logic, and many labs share one machine."""
        small = () if "--sources4" in options or os.path.isdir(self.pins) else (
            "--sources4", "65536", "--sources6", "65536", "--prefixes4", "10000",
            "--prefixes6", "1000")
        return self.fwj("attach", self.iface, *small, *options)

    def tool(self, name, ns, *argv):
        return Job(self, [self.tool_path(name)] + list(map(str, argv)), ns)

    @staticmethod
    def tool_path(name):
        return os.path.join(BUILD, "tests/netns", name)

    def flood(self, mode="udp", v6=False, cpu="flood", **options):
        """Starts a flood from `world`; options as flood --help names them."""
        args = ["--iface", self.out, "--dst", SRV6 if v6 else SRV4, "--dmac", self.mac,
                "--mode", mode]
        options.setdefault("vlan", ",".join(map(str, self.vlan)) or None)
        if self.cpu[cpu] is not None:
            args += ["--cpu", self.cpu[cpu]]
        # Visitors do not share the attackers' CPU in the world; where they must, they come first.
        last = self.cpu[cpu] is not None and self.cpu[cpu] == self.cpu["clients"]
        return Job(self, ["nice", "-n", "20"] * last + [self.tool_path("flood")] +
                   list(map(str, args + _flags(options))), self.world)

    def voters(self, name="voters", v6=False, fresh=False, start=None, **options):
        """Starts HTTP clients: known ones come back from a few addresses, fresh ones never."""
        start = start or {(0, 0): KNOWN4, (0, 1): FRESH4, (1, 0): KNOWN6, (1, 1): FRESH6}[
            (int(v6), int(fresh))]
        if not fresh:
            options.setdefault("sources", 50)
        args = ["--server", SRV6 if v6 else SRV4, "--from", start, "--name", name]
        options.setdefault("path", "/results.html")
        if self.cpu["clients"] is not None:
            args += ["--cpu", self.cpu["clients"]]
        return self.tool("voters", self.world, *args, *_flags(options))

    def clerks(self, v6=False, **options):
        return self.voters("clerks", v6=v6, start=CLERK6 if v6 else CLERK4, sources=20, **options)

    def nginx(self):
        """A real nginx with a results page of 20 kB and a long download; returns when it answers."""
        web = os.path.join(self.dir, "web")
        os.makedirs(web + "/tmp")
        with open(web + "/results.html", "w", encoding="utf-8") as f:
            f.write(results_page())
        with open(web + "/stream.bin", "wb") as f:
            f.truncate(64 << 20)
        with open(web + "/nginx.conf", "w", encoding="utf-8") as f:
            f.write(NGINX_CONF.replace("@", web))
        argv = ["nsenter", "--net=/run/netns/" + self.srv, nginx_path(), "-p", web, "-c",
                web + "/nginx.conf", "-e", web + "/error.log"]
        if self.cpu["server"] is not None:
            argv = ["taskset", "-c", str(self.cpu["server"])] + argv
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             preexec_fn=die_with_parent)
        self.jobs.append(p)

        def answers():
            if p.poll() is not None:
                raise LabError("nginx: " + p.stderr.read())
            return self.voters("probe", sources=1, rate=50, seconds=0.02).result()["served"]
        if not until(answers):
            raise LabError("nginx does not answer: " + open(web + "/error.log").read())
        return p

    # -- counters --------------------------------------------------------------------------------

    def links(self):
        """Packets that entered and left the server's interface, as the kernel counts them."""
        j = json.loads(run(["ip", "-n", self.srv, "-j", "-s", "link", "show", self.iface]).stdout)
        return j[0]["stats64"]

    def reasons(self, field="packets"):
        """{reason: packets} of everything counted so far, in enforce and in monitor mode."""
        return {r["reason"]: r[field] + r["would_" + field]
                for r in self.fwj("stats")["reasons"] if r[field] + r["would_" + field]}

    def lost(self):
        """Packets of the world that found the pair's ring full, whatever the sender was told."""
        j = json.loads(run(["ip", "-n", self.world, "-j", "-s", "link", "show", self.out]).stdout)
        return j[0]["stats64"]["tx"]["dropped"]

    def lost_by_machine(self):
        """Packets that found a ring full, on the way to the filter or back from it."""
        return self.lost() + self.links()["tx"]["dropped"]

    def watch(self, name, *prefixes):
        """Has the filter count the packets of these sources by themselves; limits stay the same."""
        self.fw("class", "new", name)
        self.fw("class", "add", name, *prefixes)

    def watched(self, name):
        """(passed or answered, dropped) packets of the sources that are watched under this name."""
        c = [c for c in self.fwj("stats")["classes"] if c["class"] == name][0]
        return c["pass_packets"], c["drop_packets"]

    def quiet(self):
        """Waits until the interface's own counter stands still: what was sent has arrived."""
        seen = []
        while len(seen) < 3 or len(set(seen[-3:])) > 1:
            time.sleep(0.05 if seen else 0)
            seen.append(self.links()["rx"]["packets"])
        return seen[-1]

    def counted(self):
        """What arrived() compares with: counters before a flood."""
        return self.reasons(), self.lost()

    def arrived(self, before, *floods, others=False):
        """{reason: packets} since counted(), once all of these ended floods is in it but what lost();
        others: hosts of the world may have answered the server meanwhile, and have finished, too."""
        tried = sum(f["sent"] + f["ring_full"] for f in floods)

        def all_there():
            moved = minus(self.reasons(), before[0])
            missing = tried - (self.lost() - before[1]) - sum(moved.values())
            return [moved] if missing == 0 or missing < 0 and others else []
        moved = until(all_there)
        assert moved, (minus(self.reasons(), before[0]), tried, self.lost() - before[1])
        if others:
            self.quiet()
            return minus(self.reasons(), before[0])
        return moved[0]

    def calibrate(self, seconds=1.0):
        """Packets per second that a program which does nothing but drop sustains here: of which not
        one in 200 finds the ring full. On a machine busy with other things no rate may be so low,
        so the search ends."""
        self.foreign(self.srv, self.iface, "drop")
        best, share = 0, 1.0
        for share in (1.0, 1.0, 0.85, 0.7):
            before, lost = self.links()["rx"]["packets"], self.lost()
            sent = self.flood("syn", fast=True, seconds=seconds,
                              pps=int(share * best) if share < 1 else None).result()
            best = max(best, (self.quiet() - before) / sent["seconds"])
            if self.lost() - lost <= LOST_MAX * sent["sent"]:
                break
        self.inside(self.srv, "ip", "link", "set", "dev", self.iface, "xdpdrv", "off")
        return share * best


def minus(after, before):
    """What came in between, by reason; reasons that did not move are left out."""
    return {k: v - before.get(k, 0) for k, v in after.items() if v != before.get(k, 0)}


def bpftool():
    return shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def nginx_path():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _flags(options):
    out = []
    for k, v in options.items():
        if v is None or v is False:
            continue
        if k == "start":
            k = "from"
        out.append("--" + k.replace("_", "-"))
        if v is not True:
            out.append(str(v))
    return out


def address(base, n):
    """The n-th address from base on; IPv6 counts in /64s."""
    a = ipaddress.ip_address(base)
    return str(a + (n if a.version == 4 else n << 64))


def default_signals():
    """Ctrl-C and kill run the clean-up like any other end."""
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda *_: sys.exit(1))
