// Arranges a graph by ForceAtlas2 beside the page, and tells how it stands a few times a second.
import iterate from 'graphology-layout-forceatlas2/iterate.js';
import { SEEN, type Arranging, type Arranged } from './arrangement';

// The package's matrices: ten numbers for a node (place, forces, mass, convergence, size, fixed), three for an edge.
const NODE_WIDTH = 10;
const NODE_MASS = 6;
const NODE_CONVERGENCE = 7;
const NODE_SIZE = 8;
const EDGE_WIDTH = 3;
// Below this every pair of nodes is looked at, which is more exact.
const PAIRS_MAX = 2_000;
const SLICE_MS = 80;
// Of a large graph, since each picture of it takes its time.
const LARGE_SLICE_MS = 700;
let isSeen = true;

self.addEventListener('message', ({ data }: MessageEvent<Arranging | typeof SEEN>) => {
  if (data === SEEN) isSeen = true;
  else arrange(data);
});

function arrange(data: Arranging) {
  const nodes = nodeMatrix(data);
  const edges = edgeMatrix(data);
  const count = data.places.length / 2;
  const settings = {
    linLogMode: false,
    outboundAttractionDistribution: false,
    adjustSizes: false,
    edgeWeightInfluence: 1,
    scalingRatio: 10,
    strongGravityMode: true,
    // Small graphs are often of parts that nothing connects: they are kept together.
    gravity: Math.min(0.4, Math.max(0.05, 20 / count)),
    slowDown: 1 + Math.log(Math.max(1, count)),
    barnesHutOptimize: count > PAIRS_MAX,
    barnesHutTheta: 0.7,
  };
  const began = performance.now();
  let rounds = 0;
  const slice = () => {
    const until = performance.now() + (settings.barnesHutOptimize ? LARGE_SLICE_MS : SLICE_MS);
    do {
      iterate(settings, nodes, edges);
      rounds += 1;
    } while (performance.now() < until && rounds < data.roundsMax);
    const isDone = rounds >= data.roundsMax || performance.now() - began > data.msMax;
    if (isSeen || isDone) tell({ places: placesOf(nodes), rounds, isDone });
    if (!isDone) setTimeout(slice, 0);
  };
  slice();
}

function tell(told: Arranged) {
  isSeen = false;
  self.postMessage(told, { transfer: [told.places.buffer] });
}

function nodeMatrix({ places, ends }: Arranging): Float32Array {
  const matrix = new Float32Array((places.length / 2) * NODE_WIDTH);
  for (let at = 0; at < places.length / 2; at += 1) {
    const row = at * NODE_WIDTH;
    matrix[row] = places[at * 2] ?? 0;
    matrix[row + 1] = places[at * 2 + 1] ?? 0;
    for (const one of [NODE_MASS, NODE_CONVERGENCE, NODE_SIZE]) matrix[row + one] = 1;
  }
  for (const end of ends) matrix[end * NODE_WIDTH + NODE_MASS]! += 1;
  return matrix;
}

function edgeMatrix({ ends }: Arranging): Float32Array {
  const matrix = new Float32Array((ends.length / 2) * EDGE_WIDTH);
  for (let at = 0; at < ends.length / 2; at += 1) {
    matrix[at * EDGE_WIDTH] = (ends[at * 2] ?? 0) * NODE_WIDTH;
    matrix[at * EDGE_WIDTH + 1] = (ends[at * 2 + 1] ?? 0) * NODE_WIDTH;
    matrix[at * EDGE_WIDTH + 2] = 1;
  }
  return matrix;
}

function placesOf(nodes: Float32Array): Float32Array<ArrayBuffer> {
  const places = new Float32Array((nodes.length / NODE_WIDTH) * 2);
  for (let at = 0; at < places.length / 2; at += 1) {
    places[at * 2] = nodes[at * NODE_WIDTH] ?? 0;
    places[at * 2 + 1] = nodes[at * NODE_WIDTH + 1] ?? 0;
  }
  return places;
}
