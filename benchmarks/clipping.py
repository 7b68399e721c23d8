"""What clipping does: the training that the page Clipping opens on, with and without it.

``python benchmarks/clipping.py`` writes benchmarks/clipping.csv anew: the settings in its first line, then a row for
each update of each training.
"""

import time

from rnncore import TrainConfig
from rnncore.gradients.clipping import read, updates
from rnncore.training import corpora
from viz_app.clipped import SHIPPED, TEXT, Setting


def main() -> None:
    """Train twice, and say how it went."""
    setting, started = Setting(), time.perf_counter()
    config = TrainConfig(SHIPPED.parent, **setting.config)
    for _ in updates(config, corpora.load(TEXT), setting.clips, setting.optimizer, SHIPPED):
        pass
    _, found = read(SHIPPED)
    print(f"{setting}: {time.perf_counter() - started:.0f} s")
    for clip, rows in found.history.groupby("clip"):
        print(
            f"clip {clip:g}: exploded at {found.exploded[clip]}; loss {rows['loss'].iloc[0]:.3f} at first, "
            f"{rows['loss'].min():.3f} at best, {rows['loss'].max():.3g} at worst, "
            f"{rows['loss'].tail(20).mean():.3f} at the end; gradient {rows['gradient_norm'].median():.3g} in the "
            f"middle, {rows['gradient_norm'].max():.3g} at most"
        )


if __name__ == "__main__":
    main()
