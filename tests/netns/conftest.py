# SPDX-License-Identifier: GPL-2.0-only
"""Every test gets namespaces, pins and tools of its own, and leaves nothing."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
sys.dont_write_bytecode = True
import lab  # noqa: E402


@pytest.fixture
def make_lab(request):
    """Makes labs that close with the test; options as Lab has them."""
    made = []

    def make(**options):
        name = request.node.name.replace("test_", "").split("[")[0]
        made.append(lab.Lab("".join(c for c in name if c.isalnum()), **options).__enter__())
        return made[-1]
    yield make
    for one in reversed(made):
        one.close()


@pytest.fixture
def box(make_lab):
    """The plain lab, nothing attached yet."""
    return make_lab()


@pytest.fixture
def capacity(make_lab):
    """Half of what a program that only drops sustains here, packets/s: floods at this rate judge
    the filter and not the machine."""
    if not hasattr(pytest, "lab_capacity"):
        with lab.Lab("calibrate") as one:
            pytest.lab_capacity = one.calibrate() / 2
    return pytest.lab_capacity


FIGURES = []


@pytest.fixture
def figure():
    """Says a measured figure at the end of the run."""
    return FIGURES.append


def pytest_terminal_summary(terminalreporter):
    for line in FIGURES:
        terminalreporter.write_line(line)
