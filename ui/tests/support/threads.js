// Threads and turns on the scripted server. A turn is a run; the test's script says what happens in it.
import { at, ScriptedRun } from './runs.js';
import { json, problem } from './wire.js';

export class ThreadRoutes {
  threads = [];
  turns = [];
  #byKey = new Map();

  constructor(server) {
    this.server = server;
  }

  // A thread with turns that are over, each `[question, answer]`.
  add(title, turns = []) {
    const id = `thread-${this.threads.length + 1}`;
    this.threads.unshift({ id, workspace: 'default', title, turns: turns.length, created_at: at(0), updated_at: at(this.threads.length) });
    for (const [question, answer] of turns) this.#begin(id, { question }).done(answer);
    return id;
  }

  route(request, response) {
    const [, , noun, id, part] = request.path.split('/').map(decodeURIComponent);
    if (noun === 'turns') return this.#rate(id, request, response);
    if (id === 'find') return this.#list(JSON.parse(request.body), response);
    if (!id && request.method === 'POST') return this.#create(response);
    if (!id) return this.#list(request.query, response);
    const thread = this.threads.find((one) => one.id === id);
    if (!thread) return problem(response, 404, 'not_found', 'thread_unknown', `there is no thread ${id}`);
    if (part === 'turns' && request.method === 'POST') return this.#ask(thread, request, response);
    if (part === 'turns') return json(response, { turns: this.turns.filter((turn) => turn.thread === id) });
    if (part === 'fork') return this.#fork(thread, JSON.parse(request.body).turn, response);
    if (request.method === 'PATCH') thread.title = JSON.parse(request.body).title;
    if (request.method !== 'DELETE') return json(response, thread);
    this.threads = this.threads.filter((one) => one !== thread);
    return response.writeHead(204).end();
  }

  #create(response) {
    this.add('');
    json(response, this.threads[0], 201);
  }

  #fork(thread, number, response) {
    const kept = this.turns.filter((turn) => turn.thread === thread.id && turn.number <= number);
    this.add(`${thread.title} (branch)`, kept.map((turn) => [turn.question, turn.answer]));
    json(response, this.threads[0], 201);
  }

  #list({ text = '' }, response) {
    const asked = (thread) => this.turns.filter((turn) => turn.thread === thread.id).map((turn) => turn.question).join(' ');
    const threads = this.threads.filter((thread) => `${thread.title} ${asked(thread)}`.toLowerCase().includes(text.toLowerCase()));
    json(response, { threads });
  }

  async #ask(thread, request, response) {
    const body = JSON.parse(request.body);
    const key = request.headers['idempotency-key'];
    const known = this.#byKey.get(key);
    const run = known ?? this.#begin(thread.id, body);
    this.#byKey.set(key, run);
    thread.title ||= body.question;
    run.attach(response, null);
    if (!known) await this.server.ask(run, body, this.server);
  }

  #begin(thread, { question }) {
    const number = this.turns.filter((turn) => turn.thread === thread).length + 1;
    const run = new ScriptedRun(`run-of-${thread}-${number}`, { thread });
    run.turn = { id: `turn-${thread}-${number}`, thread, number, run: run.run.id, question, status: 'running', created_at: at(number) };
    this.turns.push(run.turn);
    this.server.runs.runs.unshift(run);
    return run;
  }

  #rate(id, request, response) {
    const turn = this.turns.find((one) => one.id === id);
    turn.feedback = { ...JSON.parse(request.body), at: at(9) };
    json(response, turn.feedback);
  }
}
