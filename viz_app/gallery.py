"""What is known of a model without loading it: its shape, what it read, how good it is, or why it is broken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import rnncore

# Published results on the same split (first 90 % train, last 10 % validation), nats per character, by data.
PUBLISHED = {
    "shakespeare": (
        ("nanoGPT", 1.4697),  # 10.7 million parameters; github.com/karpathy/nanoGPT, README
        ("minGRU", 1.548),  # Feng et al. (2024), arXiv:2410.01201
        ("small GPT", 1.88),  # 0.8 million parameters, CPU; github.com/karpathy/nanoGPT, README
    ),
}


@dataclass(frozen=True)
class Card:
    """One model's description.

    ``nats`` is its loss on text held out, per symbol of its ``kind``, None where nobody measured it. ``marks`` are
    what it can be compared with. ``broken`` says why the model cannot be opened; everything else is empty then.
    """

    name: str
    broken: str = ""
    title: str = ""
    cell: str = ""
    layers: int = 0
    units: int = 0
    parameters: int = 0
    symbols: int = 0
    kind: str = "characters"
    data: str = ""
    nats: float | None = None

    @property
    def shape(self) -> str:
        """Layers, units, cell, size: "2 × 256 LSTM, 0.88 M weights"."""
        size = f", {self.parameters / 1e6:.2f}\u202fM weights" if self.parameters else ""
        return f"{self.layers} × {self.units} {self.title}{size}"

    @property
    def marks(self) -> tuple[tuple[str, float], ...]:
        """(name, nats) of published results on the same text; otherwise of guessing blindly."""
        return PUBLISHED.get(self.data) or (("blind guess", math.log(self.symbols or 1)),)

    @property
    def axis(self) -> tuple[float, float]:
        """Ends of the axis to draw losses on: around the published results, or from zero to a blind guess."""
        marks = [nats for _, nats in self.marks]
        return (min(marks) - 0.12, max(marks) + 0.05) if self.data in PUBLISHED else (0.0, marks[0])


def read(name: str, folder: Path) -> Card:
    """Return the card of the model in ``folder``."""
    from safetensors import SafetensorError, safe_open

    from rnncore.network import checkpoint

    try:
        config = checkpoint.read_config(folder)
        shape, run = config["model"], rnncore.Run(folder)
        cell = rnncore.cells()[shape["cell"]]
        with safe_open(folder / "model.safetensors", framework="np") as file:
            weights = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
        return Card(
            name=name,
            title=cell.title,
            cell=cell.name,
            layers=shape["layers"],
            units=shape["units"],
            parameters=weights,
            symbols=len(config["vocabulary"]["symbols"]),
            kind=str(config["vocabulary"]["kind"]),
            data=str(config.get("training", {}).get("data", {}).get("name", "")),
            nats=run.metrics.get("validation"),
        )
    except rnncore.Error as error:
        return Card(name, broken=str(error))
    except (OSError, SafetensorError) as error:
        return Card(name, broken=f"model.safetensors cannot be read ({error}); copy the checkpoint again")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Card(name, broken=f"config.json does not describe a model ({error!r}); copy the checkpoint again")
