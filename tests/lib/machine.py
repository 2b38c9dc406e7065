# SPDX-License-Identifier: GPL-2.0-only
"""Who gets which CPU of this machine, and who comes first on it: one machine plays the card, the
server, its visitors and the attackers. Where the kernel's threads cannot be seen (a container has
process ids of its own), none can be given a CPU, and sees_kernel() says so.
"""

import contextlib
import ctypes
import os
import signal

ROLES = ("napi", "server", "clients", "flood")


def cpus(demo=False):
    """Which CPU does what: interface, server, clients, flood. None: whatever the kernel thinks.
    demo: the best place for people also where there is not one for each. With two CPUs the interface
    has one to itself. Where no NAPI thread can be given a CPU, soft interrupts receive, on the one CPU
    that sends: there a flood gets slower where it would fill the pair's ring."""
    have = sorted(os.sched_getaffinity(0))
    if demo and len(have) >= 2 and not sees_kernel():
        return dict(zip(ROLES, (None, have[0], have[-1], have[-1])))
    if len(have) >= 4:
        return dict(zip(ROLES, have))
    if len(have) == 3:
        return dict(zip(ROLES, (have[0], have[1], have[1], have[2])))
    if len(have) == 2 and demo:
        return dict(zip(ROLES, (have[0], have[1], have[1], have[1])))
    return dict.fromkeys(ROLES)


def sees_kernel():
    """Whether the kernel's own threads have process ids here."""
    with contextlib.suppress(OSError), open("/proc/2/comm", encoding="utf-8") as f:
        return f.read() == "kthreadd\n"
    return False


def die_with_parent():
    """A child must not outlive a lab that was killed; and what else this machine is doing should
    disturb it as little as possible."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    with contextlib.suppress(OSError):
        os.nice(-15)


def napi_threads(dev):
    pids = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/comm" % pid, encoding="utf-8") as f:
            if f.read().startswith("napi/%s-" % dev[:10]):
                pids.add(int(pid))
    return pids


def put_first(pids, cpu):
    """Whether there are any, and each has this CPU, ahead of every process, as a card's soft
    interrupts would be."""
    done = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {cpu})
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
            done += 1
    return done == len(pids) > 0
