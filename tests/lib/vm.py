# SPDX-License-Identifier: GPL-2.0-only
"""A guest: one of Debian's kernels in QEMU without hardware help, an initramfs with busybox and our
own binaries in it, and three network cards of different make, whose other ends are taps in a network
namespace of the host. The host says what to run over a second serial line; whatever the kernel has
to say goes to the first. A kernel warning stops the guest (panic_on_warn) and fails the run.
"""

import atexit
import base64
import contextlib
import glob
import hashlib
import json
import lzma
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import types

import lab

SCRIPTS = os.path.join(lab.ROOT, "scripts")
MODULES = ("virtio_pci", "virtio_net", "veth", "8021q", "e1000e", "vmxnet3")
SPLAT = re.compile(r"(BUG:|WARNING:|Oops|Kernel panic|general protection|RIP:|Call Trace:)")
# Our end, the guest's end, and what QEMU calls such a card.
NICS = {
    "virtio0": ("tap0", "virtio-net-pci,mq=on,vectors=6", 1),
    "e1000e0": ("tap1", "e1000e", 2),
    "vmxnet0": ("tap2", "vmxnet3", 3),
    # A hypervisor that joins packets and does not let its guest stop it.
    "virtio1": ("tap3", "virtio-net-pci,ctrl_guest_offloads=off", 4),
}
QUEUES = 2
SMALL = ("--sources4", "65536", "--sources6", "65536", "--prefixes4", "10000", "--prefixes6", "1000")

INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/own:/bin HOME=/ TERM=dumb
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
mount -t bpf b /sys/fs/bpf; mount -t tmpfs t /run; mount -t tmpfs t /tmp
while read m; do insmod /modules/$m || echo "insmod $m failed"; done < /modules/order
ulimit -l unlimited
ip link set lo up
for n in /sys/class/net/eth*; do
	n=${n##*/}
	case $(basename "$(readlink /sys/class/net/$n/device/driver)") in
	virtio_net) ip link set $n name virtio0 2> /dev/null || ip link set $n name virtio1 ;;
	e1000e) ip link set $n name e1000e0 ;;
	vmxnet3) ip link set $n name vmxnet0 ;;
	esac
done
mkdir /tmp/www && seq 3000 > /tmp/www/index.html
sh /own/line.sh < /dev/ttyS1 > /dev/ttyS1
poweroff -f
"""


class NoKernel(Exception):
    """The kernel package cannot be had: a reason to skip, not to fail."""


class GuestError(lab.LabError):
    pass


def kernel(name):
    p = subprocess.run([os.path.join(SCRIPTS, "vm-kernel"), name], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        raise NoKernel(p.stderr.strip().splitlines()[0] if p.stderr.strip() else "vm-kernel failed")
    return p.stdout.strip()


def _tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise GuestError("%s is not installed: sudo scripts/setup" % name)
    return path


def _libraries(binary):
    out = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, text=True, check=False).stdout
    return re.findall(r"(/\S+\.so\S*)", out)


def encode(script):
    """An order as tests/vm/line.sh takes it."""
    order = base64.b64encode(script.encode()) + b"\n"
    return hashlib.md5(order).hexdigest().encode() + b" " + order


class Initramfs:
    """What the guest runs on, as a directory and then as an archive."""

    modules = MODULES
    init = INIT
    binaries = (lab.FLOODWALL, "xdp-loader", "ip", "ethtool",
                os.path.join(lab.BUILD, "tests/netns/flood"),
                os.path.join(lab.BUILD, "tests/netns/voters"),
                os.path.join(lab.BUILD, "tests/vm/proginfo"))

    def __init__(self, path, kernel_dir):
        self.path = path
        for d in ("bin", "own", "modules", "proc", "sys", "dev", "run", "tmp", "etc", "obj", "disk"):
            os.makedirs(os.path.join(path, d))
        self.put(_tool("busybox"), "/bin/busybox")
        for binary in map(_tool, self.binaries):
            self.put(binary, "/own/" + os.path.basename(binary))
            for lib in _libraries(binary):
                self.put(lib, lib)
        if self.binaries:
            self.put(os.path.join(lab.ROOT, "tests/vm/line.sh"), "/own/line.sh")
            for obj in glob.glob("/usr/lib/*/bpf/*.o"):
                self.put(obj, obj)
            for obj in ("vm/beside.bpf.o", "netns/pass.bpf.o"):
                self.put(os.path.join(lab.BUILD, "tests", obj), "/obj/" + os.path.basename(obj))
        self._modules(kernel_dir)
        with open(path + "/init", "w", encoding="ascii") as f:
            f.write(self.init)
        os.chmod(path + "/init", 0o755)

    def put(self, src, dst):
        dst = self.path + dst
        if not os.path.exists(dst):
            os.makedirs(os.path.dirname(dst), exist_ok=True)
            shutil.copy(os.path.realpath(src), dst)

    def _modules(self, kernel_dir):
        release = os.listdir(kernel_dir + "/lib/modules")[0]
        out = lab.run([_tool("modprobe"), "-d", kernel_dir, "-S", release, "--show-depends", "-a",
                       *self.modules]).stdout
        order = []
        for src in re.findall(r"^insmod (\S+)", out, re.M):
            name = re.sub(r"\.xz$", "", os.path.basename(src))
            if name in order:
                continue
            order.append(name)
            with (lzma.open if src.endswith(".xz") else open)(src, "rb") as f:
                data = f.read()
            with open(os.path.join(self.path, "modules", name), "wb") as f:
                f.write(data)
        with open(self.path + "/modules/order", "w", encoding="ascii") as f:
            f.write("".join(n + "\n" for n in order))

    def pack(self, archive):
        with open(archive, "wb") as f:
            subprocess.run("find . | cpio -o -H newc --quiet", shell=True, cwd=self.path, stdout=f,
                           check=True)


class Guest:
    """Boots on entry, is gone on exit. Commands run one at a time, as root."""

    initramfs = Initramfs
    nics = NICS
    accel, cpus = "tcg,thread=multi", 2
    machine = ("-no-reboot",)
    # An emulated CPU waits for a real one: a kernel thinks it stuck after 120 s instead of 20.
    append = ("console=ttyS0 panic=-1 panic_on_warn=1 watchdog_thresh=60 net.ifnames=0 "
              "loglevel=6")

    def __init__(self, name, kernel_dir, memory=1024):
        ident = os.environ.get("FLOODWALL_TEST_ID") or "fwlab%d" % os.getpid()
        self.name, self.kernel_dir, self.memory = name, kernel_dir, memory
        self.ns = "%s-vm%s" % (ident, name.replace(".", ""))
        self.jobs, self.dir, self.qemu, self.line, self.rest = [], None, None, None, b""
        self.orders = 0
        # busybox's shell prefers its own ip to the real one, whatever the path says.
        self.env = 'export PATH=/own:/bin HOME=/ NO_COLOR=1\nip() { /own/ip "$@"; }\n'

    def __enter__(self):
        atexit.register(self.close)
        self.dir = tempfile.mkdtemp(prefix=self.ns + "-")
        try:
            self._initrd(self.dir + "/initrd")
            self._wire()
            self._boot()
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
        if self.line:
            self.line.close()
            self.line = None
        if os.path.exists("/run/netns/" + self.ns):
            lab.run(["ip", "netns", "del", self.ns], check=False)
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    # -- making it -------------------------------------------------------------------------------

    def _initrd(self, archive):
        root = self.initramfs(self.dir + "/root", self.kernel_dir)
        root.pack(archive)
        shutil.rmtree(root.path)

    def _wire(self):
        lab.run(["ip", "netns", "add", self.ns])
        # What our own end would say unasked; it would spoil counting to the packet.
        lab.run(["ip", "netns", "exec", self.ns, "sysctl", "-qw",
                 "net.ipv6.conf.default.router_solicitations=0", "net.ipv6.conf.default.accept_dad=0"])
        lines = ["link set lo up"]
        for tap, _, n in self.nics.values():
            queues = " multi_queue" if n == 1 else ""
            lines += ["tuntap add dev %s mode tap%s" % (tap, queues), "link set %s up" % tap,
                      "addr add 10.80.%d.1/24 dev %s" % (n, tap),
                      "addr add fd80:%d::1/64 dev %s nodad" % (n, tap)]
        lab.run(["ip", "-n", self.ns, "-batch", "-"], input="\n".join(lines) + "\n")

    def _boot(self):
        argv = ["nsenter", "--net=/run/netns/" + self.ns, _tool("qemu-system-x86_64"),
                "-accel", self.accel, "-cpu", "max", "-smp", str(self.cpus), "-m", str(self.memory),
                "-nodefaults", "-display", "none", "-nic", "none", *self.machine,
                "-kernel", glob.glob(self.kernel_dir + "/boot/vmlinuz-*")[0],
                "-initrd", self.dir + "/initrd",
                "-append", self.append,
                "-serial", "file:" + self.dir + "/console",
                "-chardev", "socket,id=line,path=%s/line,server=on,wait=off" % self.dir,
                "-serial", "chardev:line"]
        for i, (tap, device, n) in enumerate(self.nics.values()):
            queues = ",queues=%d" % QUEUES if n == 1 else ""
            argv += ["-netdev", "tap,id=n%d,ifname=%s,script=no,downscript=no%s" % (i, tap, queues),
                     "-device", "%s,netdev=n%d,mac=52:54:00:80:00:%02x,romfile=" % (device, i, n)]
        self.qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True,
                                     preexec_fn=lab.die_with_parent)
        self.jobs.append(self.qemu)
        self.line = socket.socket(socket.AF_UNIX)
        if not lab.until(self._connected):
            raise GuestError("qemu opens no line")
        self._ready()
        self.release = self.run("uname -r").stdout.strip()

    def _connected(self):
        if self.qemu.poll() is not None:
            raise GuestError("qemu: " + self.qemu.stdout.read())
        with contextlib.suppress(OSError):
            self.line.connect(self.dir + "/line")
            return True
        return False

    def _ready(self, timeout=300):
        if self._answer(timeout) != "READY":
            raise GuestError("the guest does not start\n" + self.console(30))

    def console(self, lines=None):
        with contextlib.suppress(OSError), open(self.dir + "/console", errors="replace") as f:
            return "\n".join(f.read().replace("\r", "").splitlines()[-(lines or 10000):])
        return ""

    def splats(self):
        """Kernel warnings and worse, so far."""
        return [l for l in self.console().splitlines() if SPLAT.search(l)]

    # -- talking to it ---------------------------------------------------------------------------

    def _answer(self, timeout):
        end = time.monotonic() + timeout
        while b"\n" not in self.rest:
            self.line.settimeout(max(0.1, end - time.monotonic()))
            try:
                got = self.line.recv(1 << 16)
            except socket.timeout:
                got = None
            if got == b"" or self.qemu.poll() is not None:
                raise GuestError("the guest died\n" + self.console(60))
            if got is None:
                raise GuestError("no answer in %d s\n%s" % (timeout, self.console(30)))
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def run(self, script, check=True, timeout=300):
        """Runs lines of shell; returns returncode, stdout, stderr."""
        self.orders += 1  # no two are the same: the guest carries out none twice
        order = encode("%s%s\n# %d\n" % (self.env, script, self.orders))
        for _ in range(10):
            self.line.sendall(order)
            said, _, answer = self._answer(timeout).partition(" ")
            if answer[:1] != "?" and hashlib.md5(answer.encode() + b"\n").hexdigest() == said:
                break
        else:
            raise GuestError("the line loses whatever is said: " + script)
        rc, out, err = answer.split(" ")
        p = types.SimpleNamespace(returncode=int(rc), stdout=base64.b64decode(out[:-1]).decode(),
                                  stderr=base64.b64decode(err[:-1]).decode())
        if check and p.returncode:
            raise GuestError("%s: exit %d\n%s%s" % (script, p.returncode, p.stdout, p.stderr))
        return p

    def fw(self, *argv, check=True, **kw):
        return self.run("floodwall " + " ".join(map(quote, argv)), check=check, **kw)

    def fwj(self, *argv, check=True):
        return json.loads(self.fw("-j", *argv, check=check).stdout)

    def attach(self, dev, *options, check=True):
        """The command's result; small tables, for speed."""
        small = () if self.run("[ -e /sys/fs/bpf/floodwall/fw_ctl ]", check=False).returncode == 0 \
            else SMALL
        return self.fw("-j", "attach", dev, *small, *options, check=check)

    def status(self, dev):
        for i in self.fwj("status", check=False).get("interfaces", []):
            if i["interface"] == dev:
                return i
        return None

    def reasons(self, field="packets"):
        return {r["reason"]: r[field] + r["would_" + field]
                for r in self.fwj("stats")["reasons"] if r[field] + r["would_" + field]}

    def lost(self, dev):
        """Frames for a card that found the tap or the card full, whatever the sender was told."""
        tap = lab.run(["ip", "-n", self.ns, "-j", "-s", "link", "show", self.nics[dev][0]]).stdout
        out = self.run("ethtool -S %s 2>/dev/null; sed 's/^/ missed: /' /sys/class/net/%s/statistics/"
                       "rx_missed_errors" % (dev, dev), check=False).stdout
        return json.loads(tap)[0]["stats64"]["tx"]["dropped"] + sum(
            int(n) for n in re.findall(r" (?:missed|pkts rx OOB): (\d+)", out))

    def counted(self, dev):
        """What arrived() compares with: counters before a flood."""
        self.quiet(dev)
        return self.reasons(), self.lost(dev)

    def arrived(self, dev, before, flood):
        """{reason: packets} since counted(), once all of this ended flood is in it but what lost()."""
        tried = flood["sent"] + flood["ring_full"]

        def all_there():
            moved = lab.minus(self.reasons(), before[0])
            return [moved] if sum(moved.values()) == tried - (self.lost(dev) - before[1]) else []
        moved = lab.until(all_there)
        assert moved, (lab.minus(self.reasons(), before[0]), flood, self.lost(dev) - before[1])
        return moved[0]

    def quiet(self, dev):
        """Waits until the interface's own counter stands still: what was sent has arrived."""
        before, now = -1, self.received(dev)
        while before != now:
            time.sleep(0.3)
            before, now = now, self.received(dev)

    def received(self, dev):
        """Frames that came in, seen by a program or not; drivers count one or the other."""
        return sum(self.queues(dev)) + int(self.run("cat /sys/class/net/%s/statistics/rx_packets" %
                                                    dev).stdout)

    def queues(self, dev):
        """Packets that a program saw, by receive queue, if the driver tells."""
        out = self.run("ethtool -S %s 2>/dev/null" % dev, check=False).stdout
        return [int(n) for n in re.findall(r"rx(?:_queue_)?\d+_xdp_packets: (\d+)", out)]

    def xdp(self, dev):
        """(mode, program id) that the kernel runs on dev, or None."""
        j = json.loads(self.run("ip -j link show " + dev).stdout)[0].get("xdp")
        return ({1: "native", 2: "generic"}.get(j["mode"]), j["prog"]["id"]) if j else None

    def program(self, prog_id):
        """What the kernel says of a program: verified, instructions, bytes."""
        return json.loads(self.run("proginfo %d" % prog_id).stdout)

    # -- its cards -------------------------------------------------------------------------------

    def up(self, dev):
        """Addresses on a card; returns the address that the host reaches it by."""
        tap, _, n = self.nics[dev]
        mac = json.loads(lab.run(["ip", "-n", self.ns, "-j", "link", "show", tap]).stdout)[0]["address"]
        self.run("ip link set %s up\nip addr replace 10.80.%d.2/24 dev %s\n"
                 "ip addr replace fd80:%d::2/64 dev %s nodad\n"
                 "ip neigh replace 10.80.%d.1 lladdr %s dev %s nud permanent" %
                 (dev, n, dev, n, dev, n, mac, dev))
        lab.run(["ip", "-n", self.ns, "neigh", "replace", "10.80.%d.2" % n, "lladdr",
                 "52:54:00:80:00:%02x" % n, "dev", tap, "nud", "permanent"])
        self.wait_for("[ $(cat /sys/class/net/%s/carrier) = 1 ]" % dev)
        return "10.80.%d.2" % n

    def wait_for(self, script, seconds=60):
        end = time.monotonic() + seconds
        while self.run(script, check=False).returncode:
            if time.monotonic() > end:
                raise GuestError("in vain for %d s: %s" % (seconds, script))
            time.sleep(0.2)

    def flood(self, dev, mode="udp", **options):
        """Starts a flood from the host into a card of the guest."""
        tap, _, n = self.nics[dev]
        return lab.Job(self, [os.path.join(lab.BUILD, "tests/netns/flood"), "--iface", tap,
                              "--dst", "10.80.%d.2" % n, "--dmac", "52:54:00:80:00:%02x" % n,
                              "--mode", mode] + lab._flags(options), self.ns)

    def fetch(self, dev):
        """One page from the guest's web server, as the host sees it: its bytes, or None."""
        p = lab.run(["nsenter", "--net=/run/netns/" + self.ns, "curl", "-s", "--noproxy", "*",
                     "--max-time", "60", "http://10.80.%d.2/" % self.nics[dev][2]], check=False)
        return len(p.stdout) if p.returncode == 0 else None


def quote(arg):
    return "'" + str(arg).replace("'", "'\\''") + "'"
