# SPDX-License-Identifier: GPL-2.0-only
"""A guest with a disk and systemd: a small Debian 12 (scripts/vm-system) under Debian 12's kernel.
Writes go to a scratch file that ends with the guest, and outlive its reboots. The package under test
lies in /root/payload; one virtio card, eth0, leads to a tap in a network namespace of the host."""

import os
import shutil
import subprocess

import lab
import vm

MODULES = ("virtio_pci", "virtio_blk", "ext4", "virtio_net", "veth", "dummy", "vfat")
INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
while read m; do insmod /modules/$m; done < /modules/order
mount -t ext4 /dev/vda /disk && mkdir -p /disk/root/payload && cp /payload/* /disk/root/payload/
umount /proc; umount /sys; umount /dev
exec switch_root /disk /sbin/init
"""


def disk():
    p = subprocess.run([os.path.join(vm.SCRIPTS, "vm-system")], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        raise vm.NoKernel(p.stderr.strip().splitlines()[0] if p.stderr.strip() else "vm-system failed")
    return p.stdout.strip()


class Bare(vm.Initramfs):
    """Only what finds the disk and starts what is on it."""

    binaries = ()
    modules = MODULES
    init = INIT


class System(vm.Guest):
    nics = {"eth0": ("tap0", "virtio-net-pci,mq=on,vectors=6", 1)}
    append = vm.Guest.append + " systemd.show_status=0 systemd.journald.forward_to_console=0"

    def __init__(self, name, kernel_dir, disk_path, payload, memory=1024):
        super().__init__(name + "s", kernel_dir, memory)
        self.payload = payload
        self.machine = ("-drive", "file=%s,format=raw,if=virtio,snapshot=on" % disk_path)
        self.env = "export NO_COLOR=1 HOME=/root DEBIAN_FRONTEND=noninteractive\n"

    def _initrd(self, archive):
        root = Bare(self.dir + "/root", self.kernel_dir)
        for path in self.payload:
            root.put(path, "/payload/" + os.path.basename(path))
        root.pack(archive)
        shutil.rmtree(root.path)

    def reboot(self, how="systemctl --no-block reboot"):
        """A restart in order, or (how="echo b > /proc/sysrq-trigger") as if the power failed."""
        self.line.sendall(vm.encode(self.env + how + " & sleep 600\n"))
        self._ready(400)

    def settled(self):
        """Waits until all that starts at boot has started; returns what failed."""
        self.wait_for("systemctl is-system-running | grep -qE 'running|degraded'", 180)
        return self.run("systemctl --failed --plain --no-legend | cut -d' ' -f1").stdout.split()

    def journal(self, unit="floodwall"):
        return self.run("journalctl -b -o cat --no-pager -u " + unit, check=False).stdout
