# SPDX-License-Identifier: GPL-2.0-only
"""The command as somebody who is not root runs it."""

import os
import shutil

import lab


def anybodys_copy(folder):
    """A copy of the command in folder that any user can run: the sources may lie where only root can
    go, as in /root, or be built with a strict umask."""
    os.chmod(folder, 0o755)
    copy = shutil.copy(lab.FLOODWALL, os.path.join(str(folder), "floodwall"))
    os.chmod(copy, 0o755)
    return copy
