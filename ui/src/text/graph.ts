// What is seen of the graph of memory at a day, and where it stands: pure functions over nodes and edges.
import type { Community, GraphEdge, GraphNode } from '../api/memory';

const DAY_MS = 86_400_000;
// A chain that is longer than this from whatever the server named has no colour.
const ROUNDS_MAX = 32;

// When something holds, as numbers, since each is looked at whenever the day changes.
export interface Times {
  begins: number;
  ends: number;
}

export interface Link extends GraphEdge, Times {}

export function times({ valid_from, valid_to }: { valid_from?: string; valid_to?: string }): Times {
  return { begins: valid_from ? Date.parse(valid_from) : -Infinity, ends: valid_to ? Date.parse(valid_to) : Infinity };
}

export const link = (edge: GraphEdge): Link => ({ ...edge, ...times(edge) });

// The first and the last day that any fact begins or ends, or today where that is later; none where no fact has a time.
export function span(links: Iterable<Times>, now: number): { first: number; last: number } | null {
  let first = Infinity;
  let last = -Infinity;
  for (const { begins, ends } of links) {
    for (const at of [begins, ends]) {
      if (!Number.isFinite(at)) continue;
      first = Math.min(first, at);
      last = Math.max(last, at);
    }
  }
  return first <= last ? { first: dayNumber(first), last: dayNumber(Math.max(last, now)) } : null;
}

export const dayNumber = (ms: number) => Math.floor(ms / DAY_MS);
export const dayOf = (number: number) => new Date(number * DAY_MS).toISOString().slice(0, 10);

// The beginning of a day, which is how the server takes one.
export const startOf = (number: number) => number * DAY_MS;

export const holdsAt = ({ begins, ends }: Times, ms: number) => begins <= ms && ends > ms;

// How many there are of each, the most first.
export function tally(values: Iterable<string>): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

export function degrees(edges: Iterable<GraphEdge>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { from, to } of edges) {
    counts.set(from, (counts.get(from) ?? 0) + 1);
    if (to !== from) counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
}

// The community of each node: as the server says it, else that of most of its neighbours. The server names only the most central of each.
export function communitiesOf(nodes: Iterable<GraphNode>, edges: Iterable<GraphEdge>, found: Community[]): Map<string, number> {
  const known = new Map<string, number>();
  const all = [...nodes];
  const links = [...edges];
  for (const { number, nodes: central } of found) for (const node of central) known.set(node.id, number);
  for (const node of all) if (node.community !== undefined) known.set(node.id, node.community);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const votes = ballots(links, known);
    if (votes.size === 0) break;
    for (const [id, counts] of votes) known.set(id, [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0] ?? 0);
  }
  return known;
}

// What the neighbours of those that have no community say.
function ballots(edges: GraphEdge[], known: Map<string, number>): Map<string, Map<number, number>> {
  const votes = new Map<string, Map<number, number>>();
  const cast = (id: string, neighbour: string) => {
    const number = known.get(neighbour);
    if (known.has(id) || number === undefined) return;
    const counts = votes.get(id) ?? new Map<number, number>();
    counts.set(number, (counts.get(number) ?? 0) + 1);
    votes.set(id, counts);
  };
  for (const { from, to } of edges) {
    cast(from, to);
    cast(to, from);
  }
  return votes;
}

// Where the nth of a drawing begins: as seeds stand in a sunflower, the first in the middle.
export function seed(nth: number, spacing: number): { x: number; y: number } {
  const angle = nth * 2.399963229728653;
  const radius = spacing * Math.sqrt(nth + 0.5);
  return { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius };
}
