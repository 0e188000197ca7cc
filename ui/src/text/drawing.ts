// A flow drawn in layers: nodes from top to bottom in the order in which they can run, edges around the nodes between.
// Layered drawing after Sugiyama: ranks by longest path, order by barycentres, places by averaging neighbours.
// Keeps true: boxes of one layer do not overlap, and the same flow gives the same drawing.
import type { FlowNode } from '../api/runs';

export interface Box {
  name: string;
  kind: string;
  // Of the middle.
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  from: string;
  to: string;
  path: string;
  // Leads to a node that came before.
  back: boolean;
}

export interface Drawing {
  width: number;
  height: number;
  boxes: Box[];
  lines: Line[];
}

// A node of the flow, or a place where an edge passes a layer.
interface Spot {
  node: FlowNode | null;
  rank: number;
  x: number;
  width: number;
  up: number[];
  down: number[];
}

interface Edge {
  from: number;
  to: number;
  back: boolean;
}

export const END = 'end';
const BOX_HEIGHT = 44;
const END_SIZE = 18;
const LAYER_GAP = 44;
const SPOT_GAP = 26;
const MARGIN = 14;
const CHARACTER_WIDTH = 7.6;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;

export function draw(nodes: FlowNode[], start: string | undefined): Drawing {
  const all = withEnd(nodes);
  const edges = edgesOf(all, start);
  const ranks = ranksOf(all.length, edges);
  const { spots, chains } = spotsOf(all, edges, ranks);
  const layers = layersOf(spots);
  order(spots, layers);
  place(spots, layers);
  return picture(spots, edges, chains, layers.length);
}

// The name of the node where the flow begins, as its YAML says.
export function startOf(source: string): string | undefined {
  return /^start:\s*["']?([^\s"'#]+)/m.exec(source)?.[1];
}

function withEnd(nodes: FlowNode[]): FlowNode[] {
  const ends = nodes.some((node) => node.next.includes(END)) && !nodes.some((node) => node.name === END);
  return ends ? [...nodes, { name: END, kind: END, next: [] }] : nodes;
}

// All edges, each once; `back` where the depth-first walk from the start meets a node that it is still in.
function edgesOf(nodes: FlowNode[], start: string | undefined): Edge[] {
  const index = new Map(nodes.map((node, at) => [node.name, at]));
  const next = nodes.map((node) => [...new Set(node.next)].map((name) => index.get(name)).filter((at) => at !== undefined));
  const edges: Edge[] = [];
  const state = new Array<'new' | 'open' | 'done'>(nodes.length).fill('new');
  const first = index.get(start ?? '') ?? 0;
  for (const root of [first, ...nodes.keys()]) {
    if (state[root] !== 'new') continue;
    state[root] = 'open';
    const path = [{ at: root, child: 0 }];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const to = next[top.at]?.[top.child++];
      if (to === undefined) {
        state[top.at] = 'done';
        path.pop();
        continue;
      }
      edges.push({ from: top.at, to, back: state[to] === 'open' });
      if (state[to] === 'new') {
        state[to] = 'open';
        path.push({ at: to, child: 0 });
      }
    }
  }
  return edges;
}

// Each node one below the lowest of those that lead to it. Without back edges there is no circle, so this ends.
function ranksOf(count: number, edges: Edge[]): number[] {
  const ranks = new Array<number>(count).fill(0);
  const forward = edges.filter((edge) => !edge.back);
  for (let round = 0, changed = true; changed && round <= count; round += 1) {
    changed = false;
    for (const { from, to } of forward) {
      const least = (ranks[from] ?? 0) + 1;
      if ((ranks[to] ?? 0) >= least) continue;
      ranks[to] = least;
      changed = true;
    }
  }
  return ranks;
}

// Nodes first, then a spot in each layer that an edge passes; of each edge the spots from top to bottom.
function spotsOf(nodes: FlowNode[], edges: Edge[], ranks: number[]): { spots: Spot[]; chains: number[][] } {
  const spots: Spot[] = nodes.map((node, at) => ({ node, rank: ranks[at] ?? 0, x: 0, width: widthOf(node), up: [], down: [] }));
  const chains = edges.map((edge) => {
    const [top, bottom] = edge.back ? [edge.to, edge.from] : [edge.from, edge.to];
    const chain = [top];
    for (let rank = (ranks[top] ?? 0) + 1; rank < (ranks[bottom] ?? 0); rank += 1) {
      chain.push(spots.length);
      spots.push({ node: null, rank, x: 0, width: 8, up: [], down: [] });
    }
    if (bottom !== top) chain.push(bottom);
    for (let at = 1; at < chain.length; at += 1) {
      const [above, below] = [chain[at - 1] ?? 0, chain[at] ?? 0];
      spots[above]?.down.push(below);
      spots[below]?.up.push(above);
    }
    return chain;
  });
  return { spots, chains };
}

function widthOf(node: FlowNode): number {
  if (node.kind === END) return END_SIZE;
  return Math.min(200, Math.max(76, Math.max(node.name.length * CHARACTER_WIDTH, node.kind.length * 6.4) + 24));
}

function layersOf(spots: Spot[]): number[][] {
  const layers: number[][] = [];
  for (const [at, spot] of spots.entries()) (layers[spot.rank] ??= []).push(at);
  return [...layers].map((layer) => layer ?? []);
}

// Sorts every layer by where its neighbours stand, from above and from below in turn.
function order(spots: Spot[], layers: number[][]) {
  const position = new Map<number, number>();
  const number = (layer: number[]) => layer.forEach((at, index) => position.set(at, index / Math.max(1, layer.length - 1)));
  layers.forEach(number);
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wanted = new Map(layer.map((at) => [at, middle(down ? spots[at]?.up : spots[at]?.down, position, position.get(at) ?? 0)]));
      layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      number(layer);
    }
  }
}

function middle(neighbours: number[] | undefined, position: Map<number, number>, otherwise: number): number {
  if (!neighbours || neighbours.length === 0) return otherwise;
  return neighbours.reduce((sum, at) => sum + (position.get(at) ?? 0), 0) / neighbours.length;
}

// Moves each spot towards its neighbours, without overlap and without changing the order.
function place(spots: Spot[], layers: number[][]) {
  for (const layer of layers) pack(spots, layer, () => 0);
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const x = new Map(spots.map((spot, at) => [at, spot.x]));
    for (const layer of down ? layers : [...layers].reverse()) {
      pack(spots, layer, (at) => middle(down ? spots[at]?.up : spots[at]?.down, x, x.get(at) ?? 0));
      for (const at of layer) x.set(at, spots[at]?.x ?? 0);
    }
  }
  const left = Math.min(...spots.map((spot) => spot.x - spot.width / 2));
  for (const spot of spots) spot.x += MARGIN - left;
}

// Packed from the left and from the right each keep the distances, and so does their mean.
function pack(spots: Spot[], layer: number[], wanted: (at: number) => number) {
  const wishes = layer.map(wanted);
  const widths = layer.map((at) => spots[at]?.width ?? 0);
  const apart = (index: number) => ((widths[index - 1] ?? 0) + (widths[index] ?? 0)) / 2 + SPOT_GAP;
  const fromLeft = [...wishes];
  const fromRight = [...wishes];
  for (let index = 1; index < layer.length; index += 1) {
    fromLeft[index] = Math.max(wishes[index] ?? 0, (fromLeft[index - 1] ?? 0) + apart(index));
  }
  for (let index = layer.length - 1; index > 0; index -= 1) {
    fromRight[index - 1] = Math.min(wishes[index - 1] ?? 0, (fromRight[index] ?? 0) - apart(index));
  }
  layer.forEach((at, index) => {
    const spot = spots[at];
    if (spot) spot.x = ((fromLeft[index] ?? 0) + (fromRight[index] ?? 0)) / 2;
  });
}

function picture(spots: Spot[], edges: Edge[], chains: number[][], layers: number): Drawing {
  const y = (spot: Spot) => MARGIN + BOX_HEIGHT / 2 + spot.rank * (BOX_HEIGHT + LAYER_GAP);
  const boxes: Box[] = [];
  for (const spot of spots) {
    if (!spot.node) continue;
    const height = spot.node.kind === END ? END_SIZE : BOX_HEIGHT;
    boxes.push({ name: spot.node.name, kind: spot.node.kind, x: spot.x, y: y(spot), width: spot.width, height });
  }
  const lines = edges.map((edge, index) => {
    const [from, to] = [boxes[edge.from], boxes[edge.to]];
    const between = (chains[index] ?? []).slice(1, -1).map((at) => spots[at]).filter((spot) => spot !== undefined);
    const bends = between.map((spot) => ({ x: spot.x, y: y(spot) }));
    const path = from && to ? pathOf(edge, from, to, bends) : '';
    return { from: from?.name ?? '', to: to?.name ?? '', path, back: edge.back };
  });
  const right = Math.max(0, ...spots.map((spot) => spot.x + spot.width / 2), ...boxes.map((box) => (loops(edges, boxes, box) ? box.x + box.width / 2 + 26 : 0)));
  return { width: right + MARGIN, height: 2 * MARGIN + layers * BOX_HEIGHT + Math.max(0, layers - 1) * LAYER_GAP, boxes, lines };
}

function loops(edges: Edge[], boxes: Box[], box: Box): boolean {
  return edges.some((edge) => edge.from === edge.to && boxes[edge.from] === box);
}

function pathOf(edge: Edge, from: Box, to: Box, bends: { x: number; y: number }[]): string {
  if (from === to) return loop(from);
  // On the outer side of the way down, where both ways exist.
  const aside = edge.back ? (from.x <= to.x ? -12 : 12) : 0;
  const [start, end] = edge.back ? [-1, 1] : [1, -1];
  const points = [
    { x: from.x + aside, y: from.y + (start * from.height) / 2 },
    ...(edge.back ? [...bends].reverse() : bends),
    { x: to.x + aside, y: to.y + (end * to.height) / 2 + end * 3 },
  ];
  let path = `M${round(points[0]?.x)} ${round(points[0]?.y)}`;
  for (let at = 1; at < points.length; at += 1) {
    const [a, b] = [points[at - 1], points[at]];
    if (!a || !b) continue;
    const half = (a.y + b.y) / 2;
    path += `C${round(a.x)} ${round(half)} ${round(b.x)} ${round(half)} ${round(b.x)} ${round(b.y)}`;
  }
  return path;
}

function loop({ x, y, width, height }: Box): string {
  const right = x + width / 2;
  return `M${round(right)} ${round(y - height / 4)}C${round(right + 28)} ${round(y - height / 2)} ${round(right + 28)} ${round(y + height / 2)} ${round(right + 3)} ${round(y + height / 4)}`;
}

function round(value: number | undefined): number {
  return Math.round((value ?? 0) * 10) / 10;
}
