"""Where a visitor's regular expression matches, in a process of its own: one that never ends is ended.

Some expressions take longer than the universe on a line of text, and Python's matcher lets nothing else run meanwhile.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from rnncore.analysis import Feature, within
from rnncore.errors import Error

PATIENCE = 5.0
"""Seconds that an expression may take."""

LONGEST = 200
"""Characters that it may have."""

_MATCH = """
import json, re, sys
pattern, text = json.load(sys.stdin)
json.dump([match.span() for match in re.finditer(pattern, text, re.MULTILINE)], sys.stdout)
"""


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a visitor's regular expression, in which ^ and $ match at every line; this takes no time, unlike matching.

    Raises
    ------
    Error
        It is no regular expression, or too long.
    """
    if len(pattern) > LONGEST:
        raise Error(f"a regular expression may have {LONGEST} characters here; this one has {len(pattern)}")
    try:
        return re.compile(pattern, re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise Error(f"{pattern!r} is no regular expression: {error}") from None


def matching(pattern: str, text: str, patience: float = PATIENCE) -> Feature:
    """Return the feature "inside a match of ``pattern``", found in ``text`` and good for that text only.

    As in :func:`rnncore.analysis.matching`, ^ and $ match at every line.

    Raises
    ------
    Error
        It is no regular expression, it takes too long, or it matches nothing or everything.
    """
    compiled(pattern)
    try:
        found = subprocess.run(
            [sys.executable, "-I", "-c", _MATCH],
            input=json.dumps([pattern, text]),
            capture_output=True,
            text=True,
            timeout=patience,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise Error(
            f"{pattern!r} takes more than {patience:g} s on {len(text):,} characters; repeated repeats, as in (a+)+, "
            "do that: write it without them"
        ) from None
    except subprocess.CalledProcessError:
        raise Error(f"{pattern!r} cannot be looked for; write it more simply") from None
    label = within(len(text), [(start, end) for start, end in json.loads(found.stdout)])
    if not label.any() or label.all():
        what = "nothing" if not label.any() else "every character"
        raise Error(f"{pattern!r} matches {what} in these {len(text):,} characters, so that no cell can tell it")
    return Feature(pattern, f"matches {pattern}", "discrete", lambda of: label)
