#!/usr/bin/env python3
"""What this machine's processor gives:  peer_numpy.py
Says its name, then for each line of standard input multiplies two square matrices of floats on all its threads
(OPENBLAS_NUM_THREADS) and prints {"gflops"}: a rate that no embedder on floats exceeds by much."""

import json
import sys
import time

import numpy

SIDE = 2048
left, right = (numpy.random.default_rng(seed).random((SIDE, SIDE), dtype=numpy.float32) for seed in (1, 2))
left @ right
print(json.dumps({"peer": f"numpy {numpy.__version__}"}), flush=True)
for _ in sys.stdin:
    best = 0.0
    for _ in range(8):
        started = time.perf_counter()
        left @ right
        best = max(best, 2 * SIDE**3 / (time.perf_counter() - started) / 1e9)
    print(json.dumps({"gflops": best}), flush=True)
