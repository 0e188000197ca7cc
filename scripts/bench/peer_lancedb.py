#!/usr/bin/env python3
"""LanceDB on the same texts and vectors:  peer_lancedb.py FOLDER
FOLDER holds texts.jsonl and questions.jsonl ({"text"}), texts.f32 and questions.f32. Says its name, then takes a turn
for each line of standard input: `index` makes a table with its full-text index, `hybrid` searches the table made last.
One JSON object a line."""

import json
import pathlib
import sys
import tempfile
import time

import lancedb
import numpy
import pyarrow

folder = pathlib.Path(sys.argv[1])
HITS = 10


def read(name):
    texts = [json.loads(line)["text"] for line in (folder / f"{name}.jsonl").open(encoding="utf-8")]
    vectors = numpy.fromfile(folder / f"{name}.f32", dtype="<f4").reshape(len(texts), -1)
    return texts, vectors


texts, vectors = read("texts")
questions, wanted = read("questions")
flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
rows = pyarrow.table({"id": [str(number) for number in range(len(texts))], "text": texts, "vector": flat})
tables = []


def index(database):
    started = time.perf_counter()
    table = database.create_table(f"texts{len(tables)}", rows)
    table.create_fts_index("text")
    seconds = time.perf_counter() - started
    tables.append(table)
    return {"texts_per_second": len(texts) / seconds}


def search(number):
    query = tables[-1].search(query_type="hybrid").vector(wanted[number]).text(questions[number])
    query.limit(HITS).to_arrow()


def hybrid(_):
    taken = []
    for number in range(len(questions)):
        begun = time.perf_counter()
        search(number)
        taken.append((time.perf_counter() - begun) * 1000)
    return {"p50_ms": float(numpy.percentile(taken, 50)), "p95_ms": float(numpy.percentile(taken, 95))}


with tempfile.TemporaryDirectory(dir=folder) as where:
    database = lancedb.connect(where)
    print(json.dumps({"peer": f"LanceDB {lancedb.__version__}"}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"index": index, "hybrid": hybrid}[line.strip()](database)), flush=True)
