#!/usr/bin/env python3
"""LanceDB on the same texts and vectors:  peer_lancedb.py FOLDER
FOLDER holds texts.jsonl ({"id", "text"}), vectors.f32, queries.jsonl ({"text"}), queries.f32. Prints one JSON object."""

import json
import pathlib
import shutil
import sys
import tempfile
import time

import lancedb
import numpy
import pyarrow

folder = pathlib.Path(sys.argv[1])
lines = lambda name: [json.loads(line) for line in (folder / name).open(encoding="utf-8")]
texts, queries = lines("texts.jsonl"), lines("queries.jsonl")
vectors = numpy.fromfile(folder / "vectors.f32", dtype="<f4").reshape(len(texts), -1)
wanted = numpy.fromfile(folder / "queries.f32", dtype="<f4").reshape(len(queries), -1)
width = vectors.shape[1]

where = tempfile.mkdtemp()
database = lancedb.connect(where)
flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), width)
rows = pyarrow.table({"id": [row["id"] for row in texts], "text": [row["text"] for row in texts], "vector": flat})

started = time.perf_counter()
table = database.create_table("texts", rows)
added = time.perf_counter()
table.create_fts_index("text")
indexed = time.perf_counter()


def times(search, count):
    taken = []
    for number in range(count):
        begun = time.perf_counter()
        search(number % len(queries))
        taken.append((time.perf_counter() - begun) * 1000)
    return {"p50_ms": float(numpy.percentile(taken, 50)), "p95_ms": float(numpy.percentile(taken, 95))}


def hybrid(number):
    query = table.search(query_type="hybrid").vector(wanted[number]).text(queries[number]["text"])
    query.limit(10).to_arrow()


for number in range(20):
    hybrid(number % len(queries))
print(json.dumps({
    "peer": f"LanceDB {lancedb.__version__}", "documents": len(texts),
    "add_per_second": len(texts) / (added - started),
    "add_and_fts_per_second": len(texts) / (indexed - started),
    "hybrid": times(hybrid, min(300, 3 * len(queries))),
}))
shutil.rmtree(where)
