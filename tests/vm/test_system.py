# SPDX-License-Identifier: GPL-2.0-only
"""The life of the package on a Debian 12 with systemd: installed, started, misconfigured, killed, hung,
upgraded under a flood and back, removed, purged. One guest; each test goes on where the one before it
ended."""

import os
import re
import shutil
import subprocess

import pytest

import lab
import vm
import vm_system

OLD, NEW, OTHER = "0.1.0", "0.1.1", "0.2.0"
POLICY = """interfaces:
  eth0: native
lanes:
  blocked:
    - {prefix: 45.1.0.0/16, why: test}
"""
# Small tables, or the guest's memory goes into them.
DROP_IN = """[Service]
ExecStart=
ExecStart=/usr/sbin/floodwall run --policy /etc/floodwall/floodwall.yaml --sources4 65536 \
--sources6 65536 --prefixes4 10000 --prefixes6 1000
"""


def deb(version):
    p = subprocess.run([os.path.join(vm.SCRIPTS, "deb"), version], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False,
                       env=dict(os.environ, O=lab.BUILD))
    assert p.returncode == 0, p.stderr
    return p.stdout.split()[-1]


def other_abi(package, to):
    """The same package as a later version with another ABI would come."""
    shutil.rmtree(to, ignore_errors=True)
    lab.run(["dpkg-deb", "-R", package, to])
    for name, old, new in (("control", "Version: " + NEW, "Version: " + OTHER),
                           ("preinst", r'"\d+" \] && \{', '"999" ] && {')):
        path = os.path.join(to, "DEBIAN", name)
        with open(path, encoding="utf-8") as f:
            text, n = re.subn(old, new, f.read())
        assert n == 1, name
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    made = os.path.join(os.path.dirname(to), "floodwall_%s_amd64.deb" % OTHER)
    lab.run(["dpkg-deb", "--root-owner-group", "-b", to, made])
    return made


@pytest.fixture(scope="module")
def system():
    old, new = deb(OLD), deb(NEW)
    later = other_abi(new, os.path.join(lab.BUILD, "deb", "other"))
    name = os.environ.get("FLOODWALL_VM_SYSTEM", "6.1")
    try:
        kernel, disk = vm.kernel(name), vm_system.disk()
    except vm.NoKernel as e:
        pytest.skip(str(e))
    with vm_system.System(name, kernel, disk, [old, new, later]) as s:
        assert s.settled() == []
        yield s


def write(system, path, text):
    system.run("mkdir -p $(dirname %s); cat > %s <<'END'\n%sEND" % (path, path, text))


def install(system, version, check=True):
    return system.run("dpkg -i /root/payload/floodwall_%s_amd64.deb 2>&1" % version, check=check)


def pid(system):
    return int(system.run("systemctl show -p MainPID --value floodwall").stdout)


def protected(system):
    """The filter is on eth0 and the controller says so; returns the program's id."""
    assert system.run("systemctl is-active floodwall", check=False).stdout.strip() == "active", \
        system.journal()
    s = system.status("eth0")
    assert s and s["attached"] and s["mode"] == "native", (s, system.journal())
    assert system.xdp("eth0") is not None
    return s["program_id"]


def all_blocked(system, before, flood):
    """Every packet of a flood that ended was dropped as blocked, but what tap or card refused."""
    tried = flood["sent"] + flood["ring_full"]

    def gone():
        return lab.minus(system.reasons(), before[0]).get("blocked", 0), system.lost("eth0") - before[1]
    assert lab.until(lambda: sum(gone()) == tried), (gone(), flood)
    assert gone()[0] > 50, (gone(), flood)


def blocked(system):
    """What a blocked source sends is dropped, all of it."""
    before = system.counted("eth0")
    all_blocked(system, before, system.flood("eth0", count=500, pps=1000, sources=1,
                                             start="45.1.0.9", port=9).result())


def test_installed_and_it_says_what_is_missing(system):
    said = install(system, OLD).stdout
    assert "nothing is protected yet" in said and "systemctl start floodwall" in said, said
    assert system.run("systemctl is-enabled floodwall").stdout.strip() == "enabled"
    assert system.run("systemctl is-active floodwall", check=False).stdout.strip() == "inactive"
    assert system.run("systemd-analyze verify --man=no floodwall.service").stderr == ""
    conffiles = system.run("dpkg-query -W -f '${Conffiles}' floodwall").stdout
    assert "/etc/floodwall/floodwall.yaml" in conffiles


def test_started(system):
    write(system, "/etc/floodwall/floodwall.yaml", POLICY)
    write(system, "/etc/systemd/system/floodwall.service.d/small.conf", DROP_IN)
    system.run("systemctl daemon-reload")
    system.up("eth0")
    system.run("systemctl start floodwall")
    protected(system)
    blocked(system)
    user = system.run("ps -o user= -p %d" % pid(system)).stdout.strip()
    assert user == "floodwall", "runs as " + user


def test_exposure(system):
    """What systemd makes of the unit; the README names the figure."""
    said = system.run("systemd-analyze security --no-pager floodwall", check=False).stdout
    exposure = float(re.search(r"exposure level for floodwall.service: ([\d.]+)", said).group(1))
    print("exposure %.1f" % exposure)
    assert exposure <= 2.5, said


def test_mistyped_policy_changes_nothing(system):
    program, daemon = protected(system), pid(system)
    write(system, "/etc/floodwall/floodwall.yaml", POLICY.replace("prefix: 45", "prefixx: 45"))
    p = system.run("systemctl reload floodwall", check=False)
    assert p.returncode, "the reload fails"
    assert "floodwall.yaml:5:" in system.journal(), system.journal()
    assert (protected(system), pid(system)) == (program, daemon)
    blocked(system)
    write(system, "/etc/floodwall/floodwall.yaml", POLICY)
    system.run("systemctl reload floodwall")
    assert (protected(system), pid(system)) == (program, daemon)


def test_mistyped_policy_at_a_restart(system):
    """At 22:00 the file is broken and the service is restarted: the filter stays as it was."""
    program = system.status("eth0")["program_id"]
    write(system, "/etc/floodwall/floodwall.yaml", "interfaces: [\n")
    system.run("systemctl restart floodwall", check=False)
    s = system.status("eth0")
    assert s and s["attached"] and s["program_id"] == program, s
    blocked(system)
    write(system, "/etc/floodwall/floodwall.yaml", POLICY)
    system.run("systemctl reset-failed floodwall; systemctl restart floodwall")
    assert protected(system) == program


def test_killed(system):
    program, daemon = protected(system), pid(system)
    system.run("kill -9 %d" % daemon)
    blocked(system)
    system.wait_for("p=$(systemctl show -p MainPID --value floodwall); [ $p != 0 ] && [ $p != %d ] && "
                    "systemctl -q is-active floodwall" % daemon, 60)
    assert protected(system) == program


def test_hung(system):
    """The watchdog ends what no longer answers; the filter does not notice."""
    write(system, "/run/systemd/system/floodwall.service.d/dog.conf", "[Service]\nWatchdogSec=6\n")
    system.run("systemctl daemon-reload; systemctl restart floodwall")
    program, daemon = protected(system), pid(system)
    system.run("kill -STOP %d" % daemon)
    system.wait_for("p=$(systemctl show -p MainPID --value floodwall); [ $p != 0 ] && [ $p != %d ] && "
                    "systemctl -q is-active floodwall" % daemon, 90)
    assert "atchdog" in system.journal()
    assert protected(system) == program
    system.run("rm /run/systemd/system/floodwall.service.d/dog.conf; systemctl daemon-reload; "
               "systemctl restart floodwall")


def test_upgraded_under_a_flood(system):
    """The new build's program takes over, and not one packet of a blocked source gets by."""
    program = protected(system)
    before = system.counted("eth0")
    storm = system.flood("eth0", sources=1, start="45.1.0.7", port=9, pps=300, seconds=600)
    install(system, NEW)
    assert storm.proc.poll() is None, "the flood ended before the upgrade did"
    all_blocked(system, before, storm.stop())
    assert protected(system) != program
    assert system.status("eth0")["build"] == NEW
    assert system.run("cat /etc/floodwall/floodwall.yaml").stdout == POLICY, "the file is the admin's"


def test_another_abi_waits(system):
    program = protected(system)
    p = install(system, OTHER, check=False)
    assert p.returncode and "not upgraded, and nothing has changed" in p.stdout, p.stdout
    assert protected(system) == program
    assert system.run("dpkg-query -W -f '${Version} ${Status}' floodwall").stdout == \
        NEW + " install ok installed"


def test_back_to_the_old_build(system):
    install(system, OLD)
    protected(system)
    assert system.status("eth0")["build"] == OLD
    blocked(system)


@pytest.mark.parametrize("how", ["systemctl --no-block reboot", "echo b > /proc/sysrq-trigger"])
def test_after_a_reboot(system, how):
    """In order, and as if the power failed: protected again, by the same policy."""
    system.run("sync")
    system.reboot(how)
    assert system.settled() == []
    system.up("eth0")
    protected(system)
    blocked(system)


def test_removed(system):
    said = system.run("dpkg -r floodwall 2>&1").stdout
    assert "eth0: detached" in said and "no longer protected" in said, said
    assert system.xdp("eth0") is None
    assert system.run("ls /sys/fs/bpf").stdout == ""
    assert system.run("stat -c '%a %U %G' /sys/fs/bpf").stdout.split()[1:] == ["root", "root"]
    assert "floodwall.yaml" in system.run("ls /etc/floodwall").stdout


def test_purged(system):
    system.run("dpkg -P floodwall")
    left = system.run("ls -d /etc/floodwall /var/lib/floodwall /run/floodwall /sys/fs/bpf/floodwall "
                      "/lib/systemd/system/floodwall.service "
                      "/etc/systemd/system/*/floodwall.service 2>/dev/null", check=False).stdout
    assert left == ""


def test_kernel_never_warned(system):
    assert system.splats() == []
