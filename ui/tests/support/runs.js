// Runs of flows on the scripted server: their events, which every connection gets from where it asks, their checkpoints and states.
import { json, problem, Stream } from './wire.js';

const BEGUN = Date.parse('2026-11-21T09:00:00Z');
export const at = (seconds) => new Date(BEGUN + seconds * 1000).toISOString();

const CHAT_NODES = [
  ['rewrite', 'rewrite', ['route']], ['route', 'route', ['split', 'reply']], ['reply', 'reply', ['end']], ['split', 'split', ['retrieve']],
  ['retrieve', 'retrieve', ['judge']], ['judge', 'judge', ['widen', 'answer']], ['widen', 'widen', ['judge']], ['answer', 'answer', ['dial']],
  ['dial', 'set', ['verify']], ['verify', 'verify', ['count', 'guard']], ['count', 'set', ['improve']], ['improve', 'improve', ['verify']],
  ['guard', 'guard', ['summarise', 'end']], ['summarise', 'summarise', ['end']],
];

const TRIAGE_SOURCE = `name: triage
description: sorts a request, asks before it sends
input: {question: text}
state:
  hits: list
  notes: {type: list, reducer: append}
start: look
nodes:
  look:
    kind: retrieve
    with: {query: "{{ question }}", limit: 8}
    into: hits
    next:
      - {if: "hits | length == 0", to: sorry}
      - draft
  draft: {kind: answer, into: draft, next: ask}
  ask:  {kind: human, with: {prompt: "Send it?", schema: {type: boolean}}, into: approved, next: [{if: "approved", to: send}, sorry]}
  send: {kind: http, into: receipt}
  sorry: {kind: set, with: {notes: "not sent"}}
output: "{{ draft }}"
`;

const TRIAGE_NODES = [
  ['look', 'retrieve', ['sorry', 'draft']], ['draft', 'answer', ['ask']], ['ask', 'human', ['send', 'sorry']], ['send', 'http', ['end']], ['sorry', 'set', ['end']],
];

export function flow(name, description, nodes, more = {}) {
  return {
    flow: { name, description, version: '3fa81c09be77', built_in: false, nodes: nodes.map(([name, kind, next]) => ({ name, kind, next })), ...more },
    source: more.source ?? `name: ${name}\ndescription: ${description}\ninput: {question: text}\nstart: ${nodes[0][0]}\nnodes: {}\n`,
    mermaid: 'flowchart TD',
  };
}

export const flowLibrary = () => [
  flow('chat', 'answers from the documents, with citations', CHAT_NODES, { built_in: true, version: '77aa10c2d94e' }),
  flow('triage', 'sorts a request, asks before it sends', TRIAGE_NODES, { source: TRIAGE_SOURCE }),
];

// A run whose events a script sends, and whose history a test may give as `[node, kind, channels]` rows.
export class ScriptedRun {
  events = [];
  history = [];
  #streams = new Set();
  #over;
  #checkpoint = 1;
  #sub = 0;

  constructor(id, more = {}) {
    this.over = new Promise((resolve) => (this.#over = resolve));
    this.run = {
      id, workspace: 'default', flow: 'chat', flow_version: '77aa10c2d94e', status: 'running', nodes: [], checkpoint: 0,
      spent: { steps: 0, prompt_tokens: 0, completion_tokens: 0, money: 0 }, created_at: at(0), updated_at: at(0), ...more,
    };
  }

  get closed() {
    return this.run.status !== 'running' && this.run.status !== 'waiting';
  }

  // Hands the event to all that listen, under an id from which a later connection can go on.
  send(name, data) {
    if (name === 'token') this.#sub += 1;
    else [this.#checkpoint, this.#sub] = [this.#checkpoint + 1, 0];
    const event = { id: `${this.#checkpoint}.${this.#sub}`, name, data: { type: name, ...data } };
    this.events.push(event);
    for (const stream of this.#streams) stream.send(name, event.data, event.id);
    if (name === 'done' || name === 'error') this.#end();
  }

  step(node, state, detail = '', more = {}) {
    this.send('step', { node, kind: node, state, attempt: 1, detail, ...more });
  }

  did(node, detail = '') {
    this.step(node, 'started');
    this.step(node, 'finished', detail);
  }

  token(text, more = {}) {
    this.send('token', { node: 'answer', text, ...more });
  }

  // The end of a turn with its answer, or of a run without one.
  done(answer, status = 'finished', failure = undefined) {
    this.run = { ...this.run, status, nodes: [], finished_at: at(2), ...(failure ? { failure } : {}) };
    if (this.turn) this.turn = Object.assign(this.turn, { status, ...(answer ? { answer } : {}), ...(failure ? { failure } : {}), finished_at: at(2) });
    this.send('done', { run: this.run, ...(this.turn ? { turn: { ...this.turn } } : {}) });
  }

  // All that came after the event `after`, then what comes.
  attach(response, after) {
    const stream = new Stream(response);
    const from = after ? this.events.findIndex((event) => event.id === after) + 1 : 0;
    for (const event of this.events.slice(from)) stream.send(event.name, event.data, event.id);
    if (this.closed) return stream.end();
    this.#streams.add(stream);
    response.on('close', () => this.#streams.delete(stream));
  }

  // Breaks every connection; the run goes on.
  cut() {
    for (const stream of this.#streams) stream.cut();
    this.#streams.clear();
  }

  get listeners() {
    return this.#streams.size;
  }

  #end() {
    for (const stream of this.#streams) stream.end();
    this.#over();
  }
}

// The checkpoints and states of a history, each row `{ node, kind, channels, visits, active }`.
function checkpoint(row, index) {
  return { number: index, at: at(index * 0.4), kind: row.kind, ...(row.node ? { node: row.node } : {}), bytes: 280 + 37 * index };
}

function stateAt(run, row, index) {
  return {
    checkpoint: checkpoint(row, index),
    command: { do: row.kind, at: at(index * 0.4) },
    channels: row.channels,
    state: { run: run.id, status: run.status, frames: { 0: { flow: 'h', channels: row.channels, active: row.active ?? {}, visits: row.visits ?? {} } }, next_id: index },
  };
}

const HITS = [{ title: 'Employee handbook', page: 12, score: 0.83 }, { title: 'Reisekostenrichtlinie', score: 0.41 }];
const DRAFT = 'Everyone has 30 days of annual leave in a calendar year, whatever their hours.';

export const triageHistory = () => [
  { kind: 'start', channels: { question: 'How much leave do I have?', hits: [], notes: [], draft: '', approved: null, receipt: null }, active: { 0: { is: 'ready' } } },
  { kind: 'continue', channels: { question: 'How much leave do I have?', hits: [], notes: [], draft: '', approved: null, receipt: null }, active: { 0: { is: 'performing' } }, visits: { 0: 1 } },
  { kind: 'performed', node: 'look', channels: { question: 'How much leave do I have?', hits: HITS, notes: ['2 passages'], draft: '', approved: null, receipt: null }, active: { 1: { is: 'performing' } }, visits: { 0: 1, 1: 1 } },
  { kind: 'performed', node: 'draft', channels: { question: 'How much leave do I have?', hits: HITS, notes: ['2 passages', 'drafted'], draft: DRAFT, approved: null, receipt: null }, active: { 2: { is: 'asking' } }, visits: { 0: 1, 1: 1, 2: 1 } },
  { kind: 'answer', node: 'ask', channels: { question: 'How much leave do I have?', hits: HITS, notes: ['2 passages', 'drafted'], draft: DRAFT, approved: true, receipt: null }, active: { 3: { is: 'performing' } }, visits: { 0: 1, 1: 1, 2: 1, 3: 1 } },
  { kind: 'performed', node: 'send', channels: { question: 'How much leave do I have?', hits: HITS, notes: ['2 passages', 'drafted', 'sent'], draft: DRAFT, approved: true, receipt: { status: 202, id: 'm-81' } }, visits: { 0: 1, 1: 1, 2: 1, 3: 1 } },
];

export const approval = (run, more = {}) => ({
  run, interrupt: 3, flow: 'triage', node: 'ask', prompt: 'Send this answer to the customer?', schema: { type: 'boolean' }, asked_at: at(3), expires_at: at(3600), ...more,
});

// A finished run, one that waits for a person, and one that failed.
export function runLibrary() {
  const finished = new ScriptedRun('run-finished', { flow: 'triage', flow_version: '3fa81c09be77', status: 'finished', checkpoint: 6, spent: { steps: 4, prompt_tokens: 812, completion_tokens: 64, money: 0.0021 }, output: DRAFT, finished_at: at(2.4) });
  finished.history = triageHistory();
  const waiting = new ScriptedRun('run-waiting', { flow: 'triage', flow_version: '3fa81c09be77', status: 'waiting', nodes: ['ask'], checkpoint: 4, approvals: [approval('run-waiting')], spent: { steps: 2, prompt_tokens: 400, completion_tokens: 40, money: 0 } });
  waiting.history = triageHistory().slice(0, 4);
  const failed = new ScriptedRun('run-failed', { flow: 'triage', flow_version: '0c0c0c0c0c0c', status: 'failed', checkpoint: 3, failure: { code: 'tool_refused', reason: 'the server of “send” answered 403; look at its allow list' }, forked_from: { run: 'run-finished', checkpoint: 3 } });
  failed.history = triageHistory().slice(0, 3);
  return [failed, waiting, finished];
}

// What the server answers about runs, approvals and flows.
export class RunRoutes {
  runs = runLibrary();
  flows = flowLibrary();
  broken = [];
  // `(source) => problems`, of the validation.
  check = (source) => (/^name:/m.test(source) ? [] : [{ line: 1, column: 1, severity: 'error', message: 'a flow needs a name' }]);
  replayed = { equal: true };
  differences = { common: 3, first: [{ path: '/hits/0/score', left: 0.83, right: 0.5 }], last: [{ path: '/draft', left: DRAFT }] };

  find(id) {
    return this.runs.find(({ run }) => run.id === id);
  }

  approvals() {
    return this.runs.flatMap(({ run }) => run.approvals ?? []);
  }

  route(request, response) {
    const [, , noun, id, part, more] = request.path.split('/').map(decodeURIComponent);
    if (noun === 'approvals') return json(response, { approvals: this.approvals() });
    if (noun === 'flows') return this.#flows(request, id, response);
    if (id === 'statistics') return json(response, { runs: { finished: 1, waiting: 1, failed: 1 }, checkpoints: 13, checkpoint_bytes: 4_812, values: 2, value_bytes: 18_204 });
    if (!id && request.method === 'POST') return this.#start(JSON.parse(request.body), response);
    if (!id) return this.#list(request.query, response);
    const found = this.find(id);
    if (!found) return problem(response, 404, 'not_found', 'run_unknown', `there is no run ${id}`);
    return this.#one(request, found, part, more, response);
  }

  #one(request, found, part, more, response) {
    const body = request.body.length > 0 ? JSON.parse(request.body) : {};
    const { run, history } = found;
    if (request.method === 'DELETE') return this.#remove(found, response);
    if (!part) return json(response, run);
    if (part === 'events') return found.attach(response, request.headers['last-event-id']);
    if (part === 'checkpoints' && !more) return json(response, { checkpoints: history.map(checkpoint) });
    if (part === 'checkpoints') return json(response, stateAt(run, history[Number(more)], Number(more)));
    if (part === 'flow') return this.#flows({ method: 'GET' }, run.flow, response);
    if (part === 'diff') return json(response, { left: run.id, right: more, ...this.differences });
    if (part === 'replay') return json(response, { run: run.id, checkpoints: history.length, ...this.replayed });
    if (part === 'fork') return this.#fork(found, body, response);
    if (part === 'cancel') return this.#cancel(found, response);
    if (part === 'answer') return this.#answer(found, body, response);
    found.run = { ...run, status: 'running', failure: undefined };
    return json(response, found.run);
  }

  #remove(found, response) {
    this.runs = this.runs.filter((one) => one !== found);
    response.writeHead(204).end();
  }

  #list(query, response) {
    const fits = ({ run }) => (!query.status || run.status === query.status) && (!query.flow || run.flow === query.flow);
    json(response, { runs: this.runs.filter(fits).map(({ run }) => run) });
  }

  #start({ flow }, response) {
    const made = new ScriptedRun(`run-${this.runs.length + 1}`, { flow });
    made.history = triageHistory().slice(0, 2);
    this.runs.unshift(made);
    json(response, made.run, 201);
  }

  #fork({ run, history }, { checkpoint: number }, response) {
    const made = new ScriptedRun(`${run.id}-fork`, { ...run, id: `${run.id}-fork`, status: 'running', approvals: [], forked_from: { run: run.id, checkpoint: number } });
    made.history = history.slice(0, number + 1);
    this.runs.unshift(made);
    json(response, made.run, 201);
  }

  #cancel(found, response) {
    found.done(undefined, 'cancelled');
    json(response, found.run);
  }

  #answer(found, { value }, response) {
    found.run = { ...found.run, approvals: [], status: 'running', nodes: ['send'] };
    found.history = triageHistory().slice(0, 5);
    found.answered = value;
    found.onanswer?.(value);
    json(response, found.run);
  }

  #flows(request, name, response) {
    if (!name) return json(response, { flows: this.flows.map((one) => one.flow), broken: this.broken });
    if (name === 'validate') {
      const problems = this.check(JSON.parse(request.body).source);
      return json(response, { valid: problems.every((one) => one.severity !== 'error'), problems });
    }
    if (request.method === 'PUT') return this.#save(name, JSON.parse(request.body).source, response);
    const found = this.flows.find((one) => one.flow.name === name);
    if (!found) return problem(response, 404, 'not_found', 'flow_unknown', `there is no flow ${name}`);
    return json(response, found);
  }

  #save(name, source, response) {
    const made = flow(name, 'saved by hand', [['greet', 'set', ['end']]], { source, version: 'aaaabbbbcccc' });
    this.flows = [...this.flows.filter((one) => one.flow.name !== name), made];
    json(response, made);
  }
}
