"""Stock SmartNoise DPCTGAN on coded data, in a process of its own (see `benchmarks.networks`).

Run as a script, by the interpreter of an environment that holds smartnoise-synth 1.0.8 with the opacus 0.14
that it asks for: `python peer_dpctgan.py data.csv out.npy epsilon epochs [sigma]`. The last line printed is JSON. It
trains until it has spent ε by its own account, or for so many epochs; its own noise multiplier is 5.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings


def main(data: str, out: str, epsilon: float, epochs: int, sigma: float = 5.0) -> None:
    """Fit and sample with the library as it ships; write the codes that came out."""
    import numpy as np
    import pandas as pd
    from snsynth.pytorch.nn import DPCTGAN

    warnings.simplefilter("ignore")
    frame = pd.read_csv(data)
    start = time.perf_counter()
    synthesizer = DPCTGAN(epsilon=epsilon, epochs=epochs, batch_size=500, sigma=sigma, cuda=False)
    synthesizer.fit(frame, categorical_columns=list(frame.columns), preprocessor_eps=0.0)
    fitted = time.perf_counter()
    sample = synthesizer.sample(len(frame))
    np.save(out, np.asarray(sample, dtype=np.int64))
    # One value for each epoch: ε by its own account.
    spent = [float(value) for value in getattr(synthesizer, "epsilon_list", [])]
    passed = len(spent) or epochs
    figures = {
        "fit_s": fitted - start,
        "steps": passed * (len(frame) // 500),
        "epsilon": spent[-1] if spent else None,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), *map(float, sys.argv[5:]))
