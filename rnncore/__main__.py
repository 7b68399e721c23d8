"""``python -m rnncore`` is the command ``rnncore``."""

from rnncore.cli import main

main()
