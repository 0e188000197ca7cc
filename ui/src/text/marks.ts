// Which nodes of a flow a run has passed and which are at work, read from the machine's state at a checkpoint.
import type { FlowNode } from '../api/runs';

export interface Marks {
  visited: Set<string>;
  current: Set<string>;
}

interface Frame {
  active?: Record<string, unknown>;
  visits?: Record<string, number>;
}

// By the outermost frame, whose nodes are those of the run's own flow, in the order of the file.
export function marksOf(nodes: FlowNode[], state: unknown): Marks {
  const frame = (state as { frames?: Record<string, Frame> } | null)?.frames?.['0'];
  return { visited: names(nodes, frame?.visits), current: names(nodes, frame?.active) };
}

function names(nodes: FlowNode[], byIndex: Record<string, unknown> | undefined): Set<string> {
  const found = Object.keys(byIndex ?? {}).map((index) => nodes[Number(index)]?.name);
  return new Set(found.filter((name) => name !== undefined));
}
