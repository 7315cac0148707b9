"""Stock SmartNoise MST or AIM on coded data, in a process of its own (see `benchmarks.adult`).

Run as a script, by the interpreter of an environment that holds smartnoise-synth 1.0.8:
`python peer_smartnoise.py mst|aim data.csv out.npy epsilon delta`. The last line printed is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time


def main(name: str, data: str, out: str, epsilon: float, delta: float) -> None:
    """Fit and sample with the library as it ships; write the codes that came out."""
    import numpy as np
    import pandas as pd
    from snsynth.aim import AIMSynthesizer
    from snsynth.mst import MSTSynthesizer

    frame = pd.read_csv(data)
    start = time.perf_counter()
    make = {"mst": MSTSynthesizer, "aim": AIMSynthesizer}[name]
    synthesizer = make(epsilon=epsilon, delta=delta)
    synthesizer.fit(frame, categorical_columns=list(frame.columns), preprocessor_eps=0.0)
    fitted = time.perf_counter()
    sample = synthesizer.sample(len(frame))
    done = time.perf_counter()
    np.save(out, np.asarray(sample, dtype=np.int64))
    figures = {
        "fit_s": fitted - start,
        "call_s": done - start,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
