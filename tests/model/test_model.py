# SPDX-License-Identifier: GPL-2.0-only
"""The program and a model made from the manual, over random policies and random packets: same verdict
and same reason for each. FLOODWALL_MODEL says how many packets (400,000; `make test-model`:
1,000,000), FLOODWALL_MODEL_SEED where to begin."""

import multiprocessing
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib")]
sys.dont_write_bytecode = True
import model  # noqa: E402
import run  # noqa: E402

PACKETS = int(os.environ.get("FLOODWALL_MODEL", "400000"))
EACH = 20000
FIRST = int(os.environ.get("FLOODWALL_MODEL_SEED", "1"))
# Every reason that a world without sockets has.
REASONS = {"essential", "other_l3", "bypass_deep", "management", "trusted", "source_ok", "newcomer",
           "essential_over", "other_l3_over", "bypass_deep_over", "short", "ip_header", "l4_header",
           "bad_fragment", "tcp_flags", "port_zero", "land", "bogus_source", "trusted_over", "blocked",
           "reflected", "unspoken", "source_packets", "source_bytes", "source_syn", "source_udp",
           "source_icmp", "source_fragments", "net48", "out_of_state", "cookie_over",
           "retransmit_wait", "crowd_udp", "crowd_icmp", "crowd_fragments", "crowd_other"}


def one(number):
    cpus = sorted(os.sched_getaffinity(0))
    try:
        return run.seed(number, EACH, cpus[number % len(cpus)])
    except (run.Disagreement, OSError) as e:
        return str(e)


@pytest.fixture(scope="module")
def results():
    seeds = range(FIRST, FIRST + max(1, PACKETS // EACH))
    with multiprocessing.get_context("fork").Pool(min(len(seeds), os.cpu_count() or 1)) as pool:
        return pool.map(one, seeds, chunksize=1)


def test_same_reason_for_each_packet(results):
    wrong = [r for r in results if isinstance(r, str)]
    assert not wrong, "%d of %d seeds disagree\n%s" % (len(wrong), len(results), wrong[0])
    packets = sum(r[0] for r in results)
    assert packets == EACH * len(results)
    print("%d packets agree" % packets)


def test_little_is_left_open(results):
    """What could go either way is the edge of a limit, no more; a model that shrugs proves nothing."""
    done = [r for r in results if not isinstance(r, str)]
    assert sum(r[1] for r in done) < 0.02 * sum(r[0] for r in done)


def test_every_reason_was_met(results):
    met = set().union(*(r[2] for r in results if not isinstance(r, str)))
    assert met <= REASONS, met - REASONS
    if len(results) >= 20:
        assert REASONS - met == set()


def test_a_wrong_program_would_be_seen():
    """The model does object: a packet that may only be dropped, an empty bucket, an expired block."""
    m = model.Model(model.Policy())
    p = run.packets.Packet()
    p.defect = "land"
    assert set(m.judge(p, 0)) == {"land"}
    bucket, rate = model.Bucket(), (model.SECOND, 3)
    for at, fits in ((0, True), (0, True), (0, None), (0, False), (model.SECOND // 2, False),
                     (model.SECOND * 11 // 10, True)):
        assert bucket.fits(rate, at) is fits
        if fits is not False:
            bucket.charge(rate, at)
    m.policy.lanes.append(("blocked", 4, 5, 5, 10, None))
    assert m.policy.lane(4, 5, 9) == ("blocked", None) and m.policy.lane(4, 5, 10) == (None, None)


