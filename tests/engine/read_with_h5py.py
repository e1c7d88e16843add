# Reads a model file with plain h5py, as resources/docs/model-file.md shows, and prints what it saw as JSON.
import hashlib
import json
import sys

import h5py

with h5py.File(sys.argv[1]) as f:
    config = json.loads(f.attrs["config_json"])
    layers = sorted(f["layers"].values(), key=lambda layer: layer.attrs["order"])
    weights = [{name: layer[name][()] for name in sorted(layer, key=lambda n: layer[n].attrs["order"])} for layer in layers]

    seen = []
    for layer, tensors in zip(layers, weights):
        seen.append({
            "name": layer.attrs["name"].decode(),
            "tensors": [
                {
                    "name": name,
                    "shape": list(values.shape),
                    "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
                    "stored_sha256": layer[name].attrs["sha256"].decode(),
                }
                for name, values in tensors.items()
            ],
        })
print(json.dumps({"config": config, "layers": seen}))
