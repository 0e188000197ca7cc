#!/usr/bin/env python3
"""LangGraph with its SQLite checkpointer, durability "sync":  peer_langgraph.py FOLDER
Five nodes in a row, each adds one to a number and a line to a list; a checkpoint after each step. Says its name, then
takes a turn for each line of standard input:
  one        node steps a second, one run after the other
  many       node steps a second, 64 runs at once
  interrupt  median milliseconds from the answer to a waiting run to that run's end
  bytes      bytes of the database for each checkpoint
One JSON object a line."""

import importlib.metadata
import json
import operator
import os
import pathlib
import sqlite3
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

NODES = 5
RUNS = 100
# The database's log has been written once before, as in one that is in use.
RUNS_BEFORE = 250
AT_ONCE = 64
RUNS_AT_ONCE = 3 * AT_ONCE
RESUMES = 100


class State(TypedDict):
    count: int
    lines: Annotated[list, operator.add]


def add(state):
    return {"count": state["count"] + 1, "lines": [f"step {state['count'] + 1}"]}


def ask(state):
    return {"count": state["count"] + int(interrupt("go on?")), "lines": ["asked"]}


def chain(saver, nodes):
    builder = StateGraph(State)
    for number, node in enumerate(nodes):
        builder.add_node(f"n{number}", node)
        builder.add_edge(START if number == 0 else f"n{number - 1}", f"n{number}")
    builder.add_edge(f"n{len(nodes) - 1}", END)
    return builder.compile(checkpointer=saver)


def run(flow, thread, what={"count": 0, "lines": []}):
    return flow.invoke(what, {"configurable": {"thread_id": str(thread)}}, durability="sync")


class Library:
    """A new database for each turn."""

    def __init__(self, folder):
        self.path = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "checkpoints.db"
        self.saver = SqliteSaver(sqlite3.connect(self.path, check_same_thread=False))
        self.saver.setup()


def one(folder):
    flow = chain(Library(folder).saver, [add] * NODES)
    for number in range(RUNS_BEFORE):
        run(flow, f"before {number}")
    started = time.perf_counter()
    for thread in range(RUNS):
        assert run(flow, thread)["count"] == NODES
    return {"steps_per_second": RUNS * NODES / (time.perf_counter() - started)}


def many(folder):
    flow = chain(Library(folder).saver, [add] * NODES)
    for number in range(RUNS_BEFORE):
        run(flow, f"before {number}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = time.perf_counter()
        ends = list(pool.map(lambda thread: run(flow, thread), range(RUNS_AT_ONCE)))
        seconds = time.perf_counter() - started
    assert all(end["count"] == NODES for end in ends)
    return {"steps_per_second": RUNS_AT_ONCE * NODES / seconds}


def interrupted(folder):
    flow = chain(Library(folder).saver, [add, ask])
    taken = []
    for thread in range(RESUMES):
        run(flow, thread)
        begun = time.perf_counter()
        end = run(flow, thread, Command(resume=1))
        taken.append((time.perf_counter() - begun) * 1000)
        assert end["count"] == 2
    return {"p50_ms": statistics.median(taken)}


def stored(folder):
    library = Library(folder)
    flow = chain(library.saver, [add] * NODES)
    for thread in range(RUNS):
        run(flow, thread)
    library.saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoints = library.saver.conn.execute("SELECT COUNT(*) FROM checkpoints").fetchone()[0]
    return {"bytes": os.path.getsize(library.path) / checkpoints}


with tempfile.TemporaryDirectory(dir=sys.argv[1]) as where:
    print(json.dumps({"peer": f"LangGraph {importlib.metadata.version('langgraph')}"}), flush=True)
    turns = {"one": one, "many": many, "interrupt": interrupted, "bytes": stored}
    for line in sys.stdin:
        print(json.dumps(turns[line.strip()](where)), flush=True)
