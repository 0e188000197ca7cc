// What was read of the graph so far: it grows where somebody looks further, so that nothing that stands on the screen moves away.
import type { Fact, Graph, GraphEdge, GraphNode, PathFound } from '../../api/memory';
import { link, type Link } from '../../text/graph';

export class GraphBook {
  readonly nodes = new Map<string, GraphNode>();
  readonly links = new Map<string, Link>();
  // Whom only another day brought: without facts that hold on the day that is looked at, they are not there.
  readonly passing = new Set<string>();
  // Counts what changed; the maps themselves are not watched, since they may hold tens of thousands.
  revision = $state(0);
  isTruncated = $state(false);

  begin({ nodes, edges, truncated }: Graph) {
    this.nodes.clear();
    this.links.clear();
    this.passing.clear();
    this.isTruncated = truncated;
    this.#take(nodes, edges);
  }

  add({ nodes, edges }: { nodes: GraphNode[]; edges: GraphEdge[] }) {
    this.#take(nodes, edges);
  }

  addDay({ nodes, edges }: Graph) {
    for (const node of nodes) if (!this.nodes.has(node.id)) this.passing.add(node.id);
    this.#take(nodes, edges);
  }

  addPath({ nodes, facts }: PathFound) {
    this.#take(nodes, facts.flatMap(asEdge));
  }

  #take(nodes: GraphNode[], edges: GraphEdge[]) {
    for (const node of nodes) if (!this.nodes.has(node.id)) this.nodes.set(node.id, node);
    for (const edge of edges) {
      if (this.nodes.has(edge.from) && this.nodes.has(edge.to)) this.links.set(edge.id, link(edge));
    }
    this.revision += 1;
  }
}

function asEdge(fact: Fact): GraphEdge[] {
  if (!fact.object) return [];
  const { id, relation, importance } = fact;
  const times = { ...(fact.valid_from ? { valid_from: fact.valid_from } : {}), ...(fact.valid_to ? { valid_to: fact.valid_to } : {}) };
  return [{ id, from: fact.subject.id, to: fact.object.id, relation, importance, ...times }];
}
