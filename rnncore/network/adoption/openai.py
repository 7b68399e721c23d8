"""The sentiment neuron's weights as OpenAI published them, Radford (2017): a folder of arrays 0.npy to 14.npy.

In their order, for V = 256 bytes, E inputs and H units (there 64 and 4096):

====== ============ =========================================================================
0      w            embedding [V, E]
1      wx           input to i, f, o, u [E, 4 H]
2 to 5 wh           m to i, f, o, u [H, 4 H], cut into four along its columns
6, 7   wmx, wmh     input and h to m [E, H], [H, H]
8      b            bias of i, f, o, u [4 H]
9, 10  gx, gh       gains of wx and wh, by which their normalised columns are scaled [4 H]
11, 12 gmx, gmh     gains of wmx and wmh [H]
13, 14 w, b         output [H, V], [V]
====== ============ =========================================================================
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rnncore.errors import CheckpointError, Error
from rnncore.network.model import LanguageModel, ModelConfig
from rnncore.network.vocabulary import Vocabulary


def load(folder: Path, name: str) -> LanguageModel:
    """Return the model of a folder of OpenAI's arrays.

    Raises
    ------
    CheckpointError
        Arrays are missing or damaged.
    Error
        Their shapes are not those of such a model.
    """
    missing = [f"{k}.npy" for k in range(15) if not (folder / f"{k}.npy").is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} is no folder of OpenAI's arrays 0.npy to 14.npy: it lacks {', '.join(missing)}"
        )
    try:
        arrays = [np.load(folder / f"{k}.npy", allow_pickle=False) for k in range(15)]
    except (ValueError, OSError, EOFError) as error:
        raise CheckpointError(f"an array of {folder} is damaged ({error}); copy the folder again") from error
    embedding, wx = arrays[:2]
    try:
        wh = np.concatenate(arrays[2:6], axis=1)
        wmx, wmh, b, gx, gh, gmx, gmh, out, out_b = arrays[6:]
        config = ModelConfig("mlstm", layers=1, units=len(wmh), embedding=embedding.shape[1])
        model = LanguageModel(config, Vocabulary.bytes(), name)
        tensors = {
            "embedding.weight": embedding,
            "cells.0.weight_ih": np.concatenate([wx, wmx], axis=1).T,
            "cells.0.weight_hh": np.concatenate([wh, wmh], axis=1).T,
            "cells.0.gain_ih": np.concatenate([gx, gmx]),
            "cells.0.gain_hh": np.concatenate([gh, gmh]),
            "cells.0.bias_ih": b,
            "head.weight": out.T,
            "head.bias": out_b,
        }
        model.load_state_dict({name: torch.tensor(array) for name, array in tensors.items()})
    except (ValueError, RuntimeError, IndexError) as error:
        shapes = ", ".join(f"{k}.npy {list(array.shape)}" for k, array in enumerate(arrays))
        raise Error(f"the arrays of {folder} do not fit together as those of OpenAI's model: {shapes}") from error
    return model.eval()
