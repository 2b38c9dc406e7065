# SPDX-License-Identifier: GPL-2.0-only
"""bench.json: what was measured, a list of rows; each part of the bench puts its own in place of
those that it wrote before."""

import json


def save(file, rows, ours):
    """ours(row): whether this part wrote it."""
    try:
        with open(file, encoding="utf-8") as f:
            have = json.load(f)
    except (OSError, ValueError):
        have = []
    with open(file, "w", encoding="utf-8") as f:  # no rename: it may be /dev/null
        json.dump([r for r in have if not ours(r)] + rows, f, indent=1)
        f.write("\n")
