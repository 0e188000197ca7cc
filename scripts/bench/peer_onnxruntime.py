#!/usr/bin/env python3
"""onnxruntime with the same model on the same texts:  peer_onnxruntime.py TEXTS.jsonl MODEL.onnx TOKENIZER.json [THREADS]
Sorted by length, batches of 32, mean pooling, L2. Prints one JSON object."""

import json
import sys
import time

import numpy
import onnxruntime
from tokenizers import Tokenizer

texts = [json.loads(line)["text"] for line in open(sys.argv[1], encoding="utf-8")]
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 2
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(sys.argv[3])
tokenizer.enable_truncation(256)
names = {given.name for given in session.get_inputs()}


def embed(batch):
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(batch)
    ids = numpy.array([one.ids for one in encoded], dtype=numpy.int64)
    mask = numpy.array([one.attention_mask for one in encoded], dtype=numpy.int64)
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    hidden = session.run(None, {name: feed[name] for name in names})[0]
    weights = mask[:, :, None].astype(numpy.float32)
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True), int(mask.sum())


embed(texts[:32])
order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
tokens = 0
started = time.perf_counter()
for at in range(0, len(order), 32):
    tokens += embed([texts[number] for number in order[at:at + 32]])[1]
seconds = time.perf_counter() - started
print(json.dumps({"peer": f"onnxruntime {onnxruntime.__version__}", "threads": threads, "texts": len(texts),
                  "texts_per_second": len(texts) / seconds, "tokens_per_second": tokens / seconds}))
