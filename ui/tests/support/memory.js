// The memory of the scripted server: what ada told, what is known of it, and what becomes of it when it is changed or forgotten.
import { json, problem } from './wire.js';

const ADA = named('e-ada', 'Ada Brandt', 'person');
const LISBON = named('e-lisbon', 'Lisbon', 'place');
const BERLIN = named('e-berlin', 'Berlin', 'place');
const HARBOUR = named('e-harbour', 'Harbour', 'product');
const POSTGRES = named('e-postgres', 'PostgreSQL', 'product');
const MARA = named('e-mara', 'Mara', 'person');

export class MemoryRoutes {
  consent = { consent: 'asked' };
  episodes = [
    episode('m-move', '2026-11-18T09:30:00Z', 'note', 'Grüße! I moved to Lisbon last Friday. It is warm here.', { speaker: 'ada' }),
    episode('m-harbour', '2026-11-10T14:05:00Z', 'turn', 'Harbour depends on PostgreSQL since March. Mara wrote most of it.', { speaker: 'ada' }),
    episode('m-berlin', '2026-01-12T08:00:00Z', 'turn', 'I live in Berlin and take no sugar in my coffee.', { speaker: 'ada' }),
    episode('m-shared', '2026-10-01T08:00:00Z', 'passage', 'Mara keeps the keys of the archive.', { shared: true, source: 'handbook/keys.md' }),
  ];
  facts = [
    fact('f-lisbon', 'Ada Brandt lives in Lisbon', ADA, 'LIVE_IN', LISBON, this.#from('m-move', 'I moved to Lisbon last Friday'), { valid_from: '2026-11-13T00:00:00Z', importance: 0.8, sensitivity: 'personal' }),
    fact('f-depends', 'Harbour depends on PostgreSQL', HARBOUR, 'DEPENDS_ON', POSTGRES, this.#from('m-harbour', 'Harbour depends on PostgreSQL since March'), { valid_from: '2026-03-01T00:00:00Z', confidence: 0.92 }),
    fact('f-wrote', 'Mara wrote most of Harbour', MARA, 'WRITE', HARBOUR, this.#from('m-harbour', 'Mara wrote most of it'), {}),
    fact('f-sugar', 'Ada Brandt takes no sugar in coffee', ADA, 'TAKE', 'sugar in coffee', this.#from('m-berlin', 'take no sugar in my coffee'), { kind: 'preference', negated: true }),
    fact('f-keys', 'Mara keeps the keys of the archive', MARA, 'KEEP', 'the keys of the archive', this.#from('m-shared', 'Mara keeps the keys of the archive'), { shared: true }),
    fact('f-old', 'Ada Brandt collects stamps', ADA, 'COLLECT', 'stamps', this.#from('m-berlin', 'I live in Berlin'), { archived: true, importance: 0.1 }),
  ];
  // Ended by what is newer.
  ended = fact('f-berlin', 'Ada Brandt lives in Berlin', ADA, 'LIVE_IN', BERLIN, this.#from('m-berlin', 'I live in Berlin'), { valid_from: '2026-01-12T00:00:00Z', valid_to: '2026-11-13T00:00:00Z', cause: 'closed', closed_by: 'f-lisbon' });
  entities = [
    entity(ADA, 3, { aliases: ['Ada'] }),
    entity(HARBOUR, 2),
    entity(MARA, 2, { shared: true }),
    entity(LISBON, 1),
    entity(POSTGRES, 1, { aliases: ['Postgres'] }),
    entity(BERLIN, 0),
  ];
  receipts = [];
  // What is found in the next note.
  found = [];
  graph = null;

  route(request, response) {
    const [, , , noun, id, part] = request.path.split('/').map(decodeURIComponent);
    const body = request.body.length > 0 ? JSON.parse(request.body) : {};
    const answer = this[`${request.method.toLowerCase()}_${noun}`];
    if (!answer) return problem(response, 404, 'not_found', 'route_unknown', `there is no ${request.path}`);
    return answer.call(this, { id, part, query: request.query, body }, response);
  }

  get_facts({ id, query }, response) {
    if (id) return json(response, { states: this.#states(id) });
    const fits = (one) =>
      (!query.kind || one.kind === query.kind) &&
      (!query.entity || [one.subject.id, one.object?.id].includes(query.entity)) &&
      (query.archived === 'true' || !one.archived) &&
      (!query.valid_at || holds(one, query.valid_at));
    const all = [...this.facts, this.ended].filter((one) => one && fits(one));
    const from = Number(query.cursor ?? 0);
    const limit = Number(query.limit);
    return json(response, { facts: all.slice(from, from + limit), ...(from + limit < all.length ? { next: String(from + limit) } : {}) });
  }

  patch_facts({ id, body }, response) {
    const held = this.#find(id);
    if (!held) return problem(response, 404, 'not_found', 'fact_unknown', `there is no fact ${id} among your memories`);
    if (body.retracted) {
      this.facts = this.facts.filter((one) => one !== held);
      return json(response, { ...held, retracted_at: '2026-11-22T08:00:00Z' });
    }
    const { overruling, workspace, ...change } = body;
    Object.assign(held, change, { cause: overruling ? 'overruled' : 'edited' });
    if (change.valid_from && !change.valid_to) delete held.valid_to;
    return json(response, held);
  }

  get_episodes({ id, query }, response) {
    const told = this.episodes.find((one) => one.id === id);
    if (id) return told ? json(response, told) : problem(response, 404, 'not_found', 'episode_unknown', `there is no episode ${id} among your memories`);
    const fits = (one) => (!query.kind || one.kind === query.kind) && (!query.from || one.at >= query.from) && (!query.to || Date.parse(one.at) < Date.parse(query.to));
    return json(response, { episodes: this.episodes.filter(fits) });
  }

  post_episodes({ body }, response) {
    if (this.consent.consent === 'off' && !body.shared) return problem(response, 403, 'forbidden', 'memory_consent', 'you allow nothing to be remembered; change it with PUT /v1/memory/consent');
    const made = body.episodes.map(({ text, kind }, index) => episode(`m-new-${this.episodes.length + index}`, '2026-11-22T08:00:00Z', kind, text, { speaker: 'ada', shared: body.shared }));
    this.episodes.unshift(...made);
    this.facts.unshift(...this.found);
    return json(response, { episodes: made.map((one) => one.id), facts: this.found });
  }

  post_recall({ body }, response) {
    const words = body.query.toLowerCase().split(/\W+/).filter((word) => word.length > 3);
    const speaks = (text) => words.some((word) => text.toLowerCase().includes(word));
    const why = [{ part: 'links', value: 0.31, weight: 0.2 }, { part: 'words', value: 0.82, weight: 0.4 }];
    const hits = [
      ...this.facts.filter((one) => speaks(one.statement)).map((one) => ({ kind: 'fact', score: 0.91, fact: one, why })),
      ...this.episodes.filter((one) => speaks(one.text)).map((one) => ({ kind: 'episode', score: 0.52, episode: one, why: [why[1]] })),
      ...this.entities.filter((one) => speaks(one.name)).map((one) => ({ kind: 'entity', score: 0.4, entity: one, why: [why[0]] })),
    ].filter((hit) => !body.kinds || body.kinds.includes(hit.kind));
    return json(response, { hits: hits.slice(0, body.limit ?? 10), answerable: 0.73, took_ms: 2.1 });
  }

  get_entities({ id, query }, response) {
    if (id) return json(response, { states: [...this.facts, this.ended].filter((one) => one && [one.subject.id, one.object?.id].includes(id)).sort((a, b) => (a.valid_from ?? '').localeCompare(b.valid_from ?? '')) });
    const found = this.entities.filter((one) => !query.kind || one.kind === query.kind);
    return json(response, { entities: found.slice(0, Number(query.limit)), total: found.length });
  }

  patch_entities({ id, body }, response) {
    const held = this.entities.find((one) => one.id === id);
    const { workspace, ...change } = body;
    for (const one of [...this.facts, this.ended]) for (const about of [one?.subject, one?.object]) if (about?.id === id) about.name = change.name;
    return json(response, Object.assign(held, change));
  }

  get_conflicts(_, response) {
    return json(response, { conflicts: this.ended ? [{ fact: this.ended, ...(this.#find(this.ended.closed_by) ? { by: this.#find(this.ended.closed_by) } : {}) }] : [] });
  }

  post_forget({ body }, response) {
    const what = ['fact', 'entity', 'episode', 'everything'].find((one) => body[one]) ?? 'range';
    const before = [this.episodes.length, this.facts.length, this.entities.length];
    if (body.fact) this.facts = this.facts.filter((one) => one.id !== body.fact);
    if (body.entity) {
      this.entities = this.entities.filter((one) => one.id !== body.entity);
      this.facts = this.facts.filter((one) => ![one.subject.id, one.object?.id].includes(body.entity));
    }
    if (body.episode) this.episodes = this.episodes.filter((one) => one.id !== body.episode);
    if (what === 'range') this.episodes = this.episodes.filter((one) => one.at < body.from || one.at >= body.to);
    if (body.everything) {
      this.episodes = this.episodes.filter((one) => one.shared);
      this.facts = this.facts.filter((one) => one.shared);
      this.entities = this.entities.filter((one) => one.shared);
      this.ended = null;
    }
    const gone = [this.episodes.length, this.facts.length, this.entities.length].map((now, at) => before[at] - now);
    const made = receipt(`r-${this.receipts.length + 1}`, { what, episodes: gone[0], episodes_blotted: body.fact ? 1 : 0, facts: gone[1], entities: gone[2], backups_gone_at: '2026-12-22T00:00:00Z' });
    this.receipts.unshift(made);
    return json(response, made);
  }

  get_receipts(_, response) {
    return json(response, { receipts: this.receipts });
  }

  get_consent(_, response) {
    return json(response, this.consent);
  }

  put_consent({ body }, response) {
    this.consent = { consent: body.consent, changed_at: '2026-11-22T08:00:00Z' };
    return json(response, this.consent);
  }

  get_stats(_, response) {
    return json(response, { episodes: this.episodes.length, entities: this.entities.length, facts: this.facts.length, conflicts: this.ended ? 1 : 0, consent: this.consent.consent });
  }

  get_export(_, response) {
    const lines = this.episodes.map((one) => JSON.stringify({ episode: one }));
    return response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(`${lines.join('\n')}\n`);
  }

  get_graph({ id, query }, response) {
    const whole = this.graph ?? this.#graph();
    if (id === 'path') return json(response, this.#path(whole, query));
    if (id === 'central') return json(response, { by: query.by, nodes: [...whole.nodes].reverse().map((node, at) => ({ ...node, score: 1 / (at + 1) })) });
    if (id === 'communities') return json(response, communities(whole));
    const wanted = query.relations?.split(',');
    const edges = whole.edges.filter((edge) => (!wanted || wanted.includes(edge.relation)) && holds(edge, query.valid_at ?? new Date().toISOString()));
    const near = query.around ? new Set([query.around, ...edges.filter((edge) => [edge.from, edge.to].includes(query.around)).flatMap((edge) => [edge.from, edge.to])]) : null;
    const connected = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
    const nodes = whole.nodes.filter((node) => (near ?? connected).has(node.id)).slice(0, Number(query.limit ?? 200));
    const shown = new Set(nodes.map((node) => node.id));
    return json(response, { nodes, edges: edges.filter((edge) => shown.has(edge.from) && shown.has(edge.to)), truncated: !near && nodes.length < connected.size });
  }

  // Of the facts between entities.
  #graph() {
    const all = [...this.facts, this.ended].filter((one) => one?.object);
    const nodes = new Map(all.flatMap((one) => [one.subject, one.object]).map((one) => [one.id, { ...one, score: 0.1 }]));
    const edges = all.map(({ id, subject, object, relation, valid_from, valid_to, importance }) => ({ id, from: subject.id, to: object.id, relation, valid_from, valid_to, importance }));
    return { nodes: [...nodes.values()], edges };
  }

  #path({ nodes, edges }, { from, to }) {
    const came = new Map([[from, null]]);
    for (const at of came.keys()) {
      for (const edge of edges) {
        const next = edge.from === at ? edge.to : edge.to === at ? edge.from : null;
        if (next && !came.has(next)) came.set(next, { at, edge });
      }
    }
    if (!came.has(to)) return { nodes: [], facts: [] };
    const way = [];
    for (let step = came.get(to); step; step = came.get(step.at)) way.unshift(step);
    const of = (id) => nodes.find((node) => node.id === id);
    const said = ({ edge }) => this.#find(edge.id) ?? fact(edge.id, `${of(edge.from).name} ${edge.relation} ${of(edge.to).name}`, of(edge.from), edge.relation, of(edge.to), [], {});
    return { nodes: [...way.map((step) => of(step.at)), of(to)], facts: way.map(said) };
  }

  #find(id) {
    return [...this.facts, this.ended].find((one) => one?.id === id);
  }

  #states(id) {
    const now = this.#find(id);
    return [{ ...now, statement: `${now.statement}, perhaps`, recorded_at: '2026-10-01T08:00:00Z', retracted_at: now.recorded_at }, now];
  }

  #from(id, quote) {
    const { text, at, speaker } = this.episodes.find((one) => one.id === id);
    const start = Buffer.byteLength(text.slice(0, text.indexOf(quote)));
    return [{ episode: id, start, end: start + Buffer.byteLength(quote), quote, at, ...(speaker ? { speaker } : {}) }];
  }
}

export function fact(id, statement, subject, relation, object, sources, more) {
  const told = typeof object === 'string' ? { object_text: object } : { object: { ...object } };
  return {
    id, kind: 'fact', subject: { ...subject }, relation, ...told, statement, negated: false, recorded_at: '2026-11-18T09:30:02Z', cause: 'recorded', confidence: 0.8,
    importance: 0.5, sensitivity: 'ordinary', archived: false, shared: false, sources, ...more,
  };
}

// So many nodes in groups, each connected with some of its own group and a few of others; the same each time.
export function largeGraph(size, links) {
  let state = 7;
  const random = (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const kinds = ['person', 'organisation', 'place', 'product', 'concept', 'file', 'symbol', 'commit'];
  const groups = Math.max(2, Math.round(Math.sqrt(size) / 3));
  const nodes = Array.from({ length: size }, (_, at) => ({ id: `n-${at}`, name: `Node ${at}`, kind: kinds[at % kinds.length], score: 1 / (at + 1), community: at % groups }));
  const edges = Array.from({ length: links }, (_, at) => {
    const from = Math.floor(size * (random(1000) / 1000) ** 2);
    const near = (from + groups * (1 + random(Math.max(1, Math.floor(size / groups / 8))))) % size;
    const day = new Date(Date.UTC(2024, 0, 1 + random(1000))).toISOString();
    return { id: `l-${at}`, from: `n-${from}`, to: `n-${random(12) === 0 ? random(size) : near}`, relation: ['RELATES_TO', 'DEPENDS_ON', 'PART_OF', 'BUILDS_ON'][random(4)], valid_from: day, importance: 0.5 };
  });
  return { nodes, edges };
}

function communities({ nodes }) {
  const half = Math.ceil(nodes.length / 2);
  return { communities: [{ number: 0, size: half, nodes: nodes.slice(0, 1) }, { number: 1, size: nodes.length - half, nodes: nodes.slice(-1) }], modularity: 0.41 };
}

function holds({ valid_from, valid_to }, at) {
  const time = Date.parse(at);
  return (!valid_from || Date.parse(valid_from) <= time) && (!valid_to || Date.parse(valid_to) > time);
}

function named(id, name, kind) {
  return { id, name, kind };
}

function entity(of, facts, more = {}) {
  return { ...of, shared: false, facts, created_at: '2026-01-12T08:00:00Z', ...more };
}

function episode(id, at, kind, text, more) {
  return { id, kind, shared: false, text, at, recorded_at: at, importance: 0.6, ...more };
}

function receipt(id, said) {
  return { id, at: '2026-11-22T08:00:00Z', receipt: { id, workspace: 'default', owner: 'user:u-ada', at: '2026-11-22T08:00:00Z', ...said }, signature: 'eyJhbGciOiJFZERTQSIsInR5cCI6InJlY2VpcHQrandzIn0.eyJ3aGF0IjoiZmFjdCJ9.c2lnbmF0dXJl' };
}
