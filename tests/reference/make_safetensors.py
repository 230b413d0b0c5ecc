"""Writes python.safetensors, a model as Python's safetensors writes it: an autoencoder 3-2-3."""
import pathlib

import numpy as np
from safetensors.numpy import save_file

half = lambda *shape: (0.5 * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)
save_file({"encoder.block1.weight": half(2, 3), "encoder.block1.bias": half(2),
           "decoder.block1.weight": half(3, 2), "decoder.block1.bias": half(3)},
          pathlib.Path(__file__).parent / "python.safetensors", {"source": "python"})
