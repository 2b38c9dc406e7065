# SPDX-License-Identifier: GPL-2.0-only
"""Commands that run beside one another, one on each CPU."""

import concurrent.futures
import os
import queue
import subprocess

CPUS = sorted(os.sched_getaffinity(0))
RUNNING = []  # processes


def captured(argv, timeout=None, **kw):
    """Runs a command to its end: its output and exit code, or why there is none."""
    try:
        with subprocess.Popen(argv, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **kw) as p:
            RUNNING.append(p)
            try:
                out, code = p.communicate(timeout=timeout)[0], p.returncode
            except subprocess.TimeoutExpired:
                p.kill()
                out, code = p.communicate()[0], "none in %d s" % timeout
    except OSError as e:
        return str(e), "none"
    RUNNING.remove(p)  # which fails in who was ended by the others' end, and has nothing to say
    return out, code


def side_by_side(jobs, work, take):
    """take(work(job, cpu)) in the order of the jobs, of which as many run at a time as there are CPUs,
    each with the number of one that no other has. Whatever ends this early ends them, too."""
    free = queue.SimpleQueue()
    for cpu in CPUS:
        free.put(cpu)

    def run(job):
        cpu = free.get()
        try:
            return work(job, cpu)
        finally:
            free.put(cpu)
    pool = concurrent.futures.ThreadPoolExecutor(len(CPUS))
    try:
        for result in pool.map(run, jobs):
            take(result)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while RUNNING:
            RUNNING.pop().kill()
