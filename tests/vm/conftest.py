# SPDX-License-Identifier: GPL-2.0-only
"""One guest a kernel for all tests; FLOODWALL_VM says which kernels (6.1; `all` for the matrix).
Ends in the table that stands in the README."""

import contextlib
import os
import sys
import warnings

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
sys.dont_write_bytecode = True
import lab  # noqa: E402
import vm  # noqa: E402

ROWS = {
    "6.1": "Debian 12",
    "6.12": "Debian 12 backports",
    "sid": "Debian unstable",
    "5.10": "Debian 11",
}
REFUSED = "5.10"
ASKED = os.environ.get("FLOODWALL_VM", "6.1").replace(",", " ").split()
# The package and its unit, in a guest with systemd; minutes, so only where it is asked for.
SYSTEM = "system" in ASKED or ASKED == ["all"]
KERNELS = list(ROWS) if ASKED == ["all"] else [k for k in ASKED if k != "system"]
for unknown in set(KERNELS) - set(ROWS):
    raise pytest.UsageError("FLOODWALL_VM: no kernel %s; there are: %s, and system" %
                             (unknown, " ".join(ROWS)))
collect_ignore = ([] if REFUSED in KERNELS else ["test_old.py"]) + (
    [] if set(KERNELS) - {REFUSED} else ["test_matrix.py", "test_tagged.py"]) + (
    [] if SYSTEM else ["test_system.py"])

results = {}  # {kernel: {column: text}}


@pytest.fixture(scope="session", params=[k for k in KERNELS if k != REFUSED])
def guest(request):
    yield from boot(request.param)


@pytest.fixture(scope="session")
def old_guest():
    yield from boot(REFUSED)


def boot(name):
    try:
        where = vm.kernel(name)
    except vm.NoKernel as e:
        pytest.skip("kernel %s: %s" % (name, e))
    with contextlib.ExitStack() as stack:
        try:
            g = stack.enter_context(vm.Guest(name, where))
        except vm.GuestError as e:
            # Nothing of ours runs before a guest answers; kernels have tripped over the clocks of
            # emulated CPUs while booting. Once, and said.
            warnings.warn("%s did not come up and is started again: %s" % (name, e))
            g = stack.enter_context(vm.Guest(name, where))
        results[name] = {"release": g.release}
        yield g


@pytest.fixture
def note(request):
    """Writes into the table: note(guest, column, text)."""
    def write(g, column, text):
        results[g.name][column] = text
    return write


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    g = item.funcargs.get("guest") or item.funcargs.get("old_guest")
    if report.failed and g is not None:
        report.sections.append(("guest's console", g.console(40)))
        results[g.name]["failed"] = True


def table():
    columns = ["virtio_net", "vmxnet3", "e1000e", "veth", "verified", "bytes"]
    heads = ["kernel", "release"] + columns
    lines = ["| %s |" % " | ".join(heads), "|%s" % ("---|" * len(heads))]
    for name in KERNELS:
        if name not in results:
            continue
        r = results[name]
        kernel = "%s (%s)" % (name, ROWS[name]) + (": FAILED" if r.get("failed") else "")
        if "refused" in r:
            lines.append("| %s | %s | refused: %s |%s" % (kernel, r["release"], r["refused"],
                                                         " |" * (len(columns) - 1)))
        else:
            lines.append("| %s |" % " | ".join([kernel, r["release"]] +
                                              [r.get(c, "-") for c in columns]))
    return lines


def pytest_terminal_summary(terminalreporter):
    if not results:
        return
    lines = table()
    with open(os.path.join(lab.BUILD, "vm-matrix.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
