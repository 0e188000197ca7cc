// The drawing: sigma.js over a graphology graph. It draws what it is told, and tells what was clicked.
import { MultiDirectedGraph } from 'graphology';
import Sigma from 'sigma';
import { EdgeArrowProgram, EdgeLineProgram, NodeCircleProgram, NodePointProgram } from 'sigma/rendering';
import type { Settings } from 'sigma/settings';
import type { NodeDisplayData, PartialButFor } from 'sigma/types';
import { seed, type Link } from '../../text/graph';
import { relationWords } from '../../text/memory';
import { Arrangement, type Arranged } from './arrangement';
import type { GraphBook } from './book.svelte';
import { palette, type Palette } from './palette';

// Which of what was read shows, and how. `lit`: what stands out, with all else faint.
export interface Look {
  showsNode: (id: string) => boolean;
  showsLink: (link: Link) => boolean;
  colourOf: (id: string) => string;
  sizeOf: (id: string) => number;
  chosen: string | null;
  lit: { nodes: Set<string>; links: Set<string> } | null;
}

export interface Clicks {
  choose: (id: string | null) => void;
  expand: (id: string) => void;
  arranging: (isArranging: boolean) => void;
}

const SPACING = 12;
const ZOOM = 1.5;
const MOVE_MS = 300;
// With room for the names at the edge, where all have one.
const NAMED_RATIO = 1.25;
const WHOLE_RATIO = 1.05;
// So few that every name fits.
const ALL_LABELS_MAX = 40;
// From here on edges are left out while the drawing moves, so that it moves smoothly where there is no graphics card.
const MOVING_LINKS_MAX = 2_000;
const ARROWS_MAX = 2_000;
// From here on nodes are points of the graphics card's own, which are cheaper than discs of triangles.
const DISCS_MAX = 2_000;
// Nodes are as large as here up to so many, and smaller where there are more.
const LARGE_MAX = 150;
const SIZE_MIN = 1.2;
// Those that are smaller than this have no name before one comes closer.
const NAMED_MIN = 8;

type Disc = PartialButFor<NodeDisplayData, 'x' | 'y' | 'size' | 'label' | 'color'>;

export class Drawing {
  readonly #graph = new MultiDirectedGraph();
  readonly #sigma: Sigma;
  readonly #arrangement = new Arrangement((arranged) => this.#arranged(arranged));
  readonly #links = new Map<string, Link>();
  #ids: string[] = [];
  #look: Look | null = null;
  #scale = 1;
  #isArranging = false;
  #colours: Palette = palette();

  // `isStill`: nothing moves but by the reader's hand. Throws where there is no WebGL.
  constructor(
    container: HTMLElement,
    private readonly clicks: Clicks,
    private readonly isStill: boolean,
  ) {
    this.#sigma = new Sigma(this.#graph, container, this.#settings());
    this.#sigma.on('clickNode', ({ node }) => clicks.choose(node));
    this.#sigma.on('clickStage', () => clicks.choose(null));
    this.#sigma.on('doubleClickNode', ({ node, preventSigmaDefault }) => {
      preventSigmaDefault();
      clicks.expand(node);
    });
    this.#sigma.on('enterNode', () => (container.dataset.over = 'node'));
    this.#sigma.on('leaveNode', () => delete container.dataset.over);
  }

  // Takes over what the book holds; new nodes begin beside what they are connected with.
  take(book: GraphBook) {
    this.#arrangement.stop();
    for (const id of this.#graph.filterNodes((id) => !book.nodes.has(id))) this.#graph.dropNode(id);
    const isFirst = this.#graph.order === 0;
    const beside = besides(book, (id) => this.#graph.hasNode(id));
    let nth = 0;
    for (const node of book.nodes.values()) {
      if (!this.#graph.hasNode(node.id)) this.#graph.addNode(node.id, { label: node.name, ...this.#begin(beside.get(node.id), nth) });
      nth += 1;
    }
    this.#links.clear();
    for (const edge of this.#graph.filterEdges((id) => !book.links.has(id))) this.#graph.dropEdge(edge);
    for (const link of book.links.values()) {
      this.#links.set(link.id, link);
      if (!this.#graph.hasEdge(link.id)) this.#graph.addDirectedEdgeWithKey(link.id, link.from, link.to, { label: relationWords(link.relation) });
    }
    this.#scale = Math.min(1, Math.sqrt(LARGE_MAX / Math.max(1, this.#graph.order)));
    this.#sigma.setSettings({
      hideEdgesOnMove: this.#graph.size > MOVING_LINKS_MAX,
      defaultEdgeType: this.#graph.size > ARROWS_MAX ? 'line' : 'arrow',
      defaultNodeType: this.#graph.order > DISCS_MAX ? 'point' : 'circle',
      labelRenderedSizeThreshold: this.#hasRoom ? 0 : Math.max(SIZE_MIN, NAMED_MIN * this.#scale),
    });
    if (isFirst) this.whole();
    this.arrange();
  }

  paint(look: Look) {
    this.#look = look;
    this.#sigma.refresh({ skipIndexation: true });
  }

  // After the page changed its colours.
  dress() {
    this.#colours = palette();
    this.#sigma.setSettings({ labelColor: { color: this.#colours.ink }, edgeLabelColor: { color: this.#colours.soft } });
    this.#sigma.refresh({ skipIndexation: true });
  }

  arrange() {
    if (this.#graph.order < 2) return this.#arranging(false);
    this.#ids = this.#graph.nodes();
    const numbers = new Map(this.#ids.map((id, at) => [id, at]));
    const places = new Float32Array(this.#ids.length * 2);
    this.#ids.forEach((id, at) => {
      const { x, y } = this.#graph.getNodeAttributes(id);
      places.set([x, y], at * 2);
    });
    const ends = Uint32Array.from(this.#graph.mapEdges((_edge, _attributes, from, to) => [numbers.get(from) ?? 0, numbers.get(to) ?? 0]).flat());
    this.#arranging(true);
    this.#arrangement.begin(places, ends);
  }

  stop() {
    this.#arrangement.stop();
    this.#arranging(false);
  }

  closer = () => void this.#sigma.getCamera().animatedZoom({ factor: ZOOM, duration: this.#moveMs });
  farther = () => void this.#sigma.getCamera().animatedUnzoom({ factor: ZOOM, duration: this.#moveMs });
  whole = () => void this.#sigma.getCamera().animate({ x: 0.5, y: 0.5, ratio: this.#hasRoom ? NAMED_RATIO : WHOLE_RATIO, angle: 0 }, { duration: this.#moveMs });

  // Brings a node into the middle.
  show(id: string) {
    const at = this.#sigma.getNodeDisplayData(id);
    if (at) void this.#sigma.getCamera().animate({ x: at.x, y: at.y, ratio: Math.min(0.5, this.#sigma.getCamera().ratio) }, { duration: this.#moveMs });
  }

  // Where a node stands in the window, for whoever points at it from outside.
  placeOf(id: string): { x: number; y: number } | null {
    if (!this.#graph.hasNode(id)) return null;
    const { x, y } = this.#graph.getNodeAttributes(id);
    return this.#sigma.graphToViewport({ x, y });
  }

  end() {
    this.#arrangement.stop();
    this.#sigma.kill();
  }

  get #hasRoom(): boolean {
    return this.#graph.order <= ALL_LABELS_MAX;
  }

  get #moveMs(): number {
    return this.isStill ? 1 : MOVE_MS;
  }

  #begin(beside: string | undefined, nth: number): { x: number; y: number } {
    const { x, y } = seed(nth, SPACING);
    if (!beside) return { x, y };
    const near = this.#graph.getNodeAttributes(beside);
    const away = Math.hypot(x, y) || 1;
    return { x: near.x + (x / away) * SPACING, y: near.y + (y / away) * SPACING };
  }

  // Whoever wants nothing to move sees only how it ends.
  #arranged({ places, isDone }: Arranged) {
    if (isDone || !this.isStill) {
      let at = 0;
      this.#graph.updateEachNodeAttributes(
        (_id, attributes) => {
          attributes.x = places[at];
          attributes.y = places[at + 1];
          at += 2;
          return attributes;
        },
        { attributes: ['x', 'y'] },
      );
    }
    if (isDone) this.#arranging(false);
  }

  #arranging(is: boolean) {
    this.#isArranging = is;
    this.clicks.arranging(is);
    if (!is) this.#sigma.refresh({ skipIndexation: true });
  }

  #settings(): Partial<Settings> {
    return {
      allowInvalidContainer: true,
      nodeProgramClasses: { circle: NodeCircleProgram, point: NodePointProgram },
      edgeProgramClasses: { arrow: EdgeArrowProgram, line: EdgeLineProgram },
      zIndex: true,
      labelFont: getComputedStyle(document.body).fontFamily,
      labelSize: 13,
      labelColor: { color: this.#colours.ink },
      labelDensity: 0.6,
      renderEdgeLabels: true,
      edgeLabelFont: getComputedStyle(document.body).fontFamily,
      edgeLabelSize: 11,
      edgeLabelColor: { color: this.#colours.soft },
      minCameraRatio: 0.01,
      maxCameraRatio: 4,
      nodeReducer: (id) => this.#node(id),
      edgeReducer: (id) => this.#edge(id),
      defaultDrawNodeHover: (context, data, settings) => this.#over(context, data, settings),
      stagePadding: 30,
    };
  }

  #node(id: string): Partial<NodeDisplayData> {
    const { x, y, label } = this.#graph.getNodeAttributes(id);
    const look = this.#look;
    if (!look) return { x, y, label, size: 4, color: this.#colours.soft };
    const isLit = !look.lit || look.lit.nodes.has(id);
    const isChosen = look.chosen === id;
    return {
      x,
      y,
      label: isLit ? label : null,
      size: Math.max(SIZE_MIN, look.sizeOf(id) * this.#scale) * (isChosen ? 1.3 : 1),
      color: isLit ? look.colourOf(id) : this.#colours.faint,
      hidden: !look.showsNode(id),
      forceLabel: look.lit !== null && isLit && look.lit.nodes.size <= ALL_LABELS_MAX,
      highlighted: isChosen,
      zIndex: isLit ? 1 : 0,
    };
  }

  #edge(id: string) {
    const look = this.#look;
    const link = this.#links.get(id);
    if (!look || !link) return { color: this.#colours.line, size: 1, label: '' };
    const isLit = look.lit?.links.has(id) ?? false;
    return {
      hidden: !look.showsLink(link) || (this.#isArranging && this.#graph.size > MOVING_LINKS_MAX),
      color: isLit ? this.#colours.mark : look.lit ? this.#colours.faint : this.#colours.line,
      size: isLit ? 2 : 1,
      label: isLit ? relationWords(link.relation) : '',
      forceLabel: isLit,
      zIndex: isLit ? 1 : 0,
    };
  }

  // A ring and the name on the page's own paper; sigma's own is white in the dark.
  #over(context: CanvasRenderingContext2D, data: Disc, { labelSize, labelFont }: Settings) {
    const { paper, ink, mark } = this.#colours;
    context.beginPath();
    context.arc(data.x, data.y, data.size + 3, 0, Math.PI * 2);
    context.strokeStyle = mark;
    context.lineWidth = 2;
    context.stroke();
    if (!data.label) return;
    context.font = `600 ${labelSize}px ${labelFont}`;
    const left = data.x + data.size + 6;
    context.fillStyle = paper;
    context.fillRect(left - 3, data.y - labelSize / 2 - 4, context.measureText(data.label).width + 6, labelSize + 8);
    context.fillStyle = ink;
    context.fillText(data.label, left, data.y + labelSize / 3);
  }
}

// For each node that does not stand yet, one that does and has to do with it.
function besides(book: GraphBook, stands: (id: string) => boolean): Map<string, string> {
  const beside = new Map<string, string>();
  for (const { from, to } of book.links.values()) {
    if (stands(from) && !stands(to)) beside.set(to, from);
    if (stands(to) && !stands(from)) beside.set(from, to);
  }
  return beside;
}
