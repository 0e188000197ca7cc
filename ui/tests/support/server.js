// A server that speaks Ibid's wire contract from a script: each test says what it answers and when.
// It holds nothing back: an event is sent at the moment at which the script sends it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer, cite, claim, entry, library } from './library.js';
import { fail, IdentityRoutes } from './identity.js';
import { LimitRoutes, ProviderRoutes } from './limits.js';
import { MemoryRoutes } from './memory.js';
import { openapi } from './openapi.js';
import { OperationsRoutes } from './operations.js';
import { RunRoutes } from './runs.js';
import { ThreadRoutes } from './threads.js';
import { json, problem, Stream } from './wire.js';

export { gate } from './wire.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
// The policy that the real server sends; what breaks it fails here too.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export class ScriptedServer {
  entries = library();
  // The one that is taken from whoever sends one.
  key = null;
  chatModels = [];
  workspaces = ['default'];
  jobs = [];
  requests = [];
  // `async (run, request) => void`: what happens in a turn.
  ask = extract;
  runs = new RunRoutes();
  chat = new ThreadRoutes(this);
  operations = new OperationsRoutes();
  identity = new IdentityRoutes();
  limits = new LimitRoutes();
  models = new ProviderRoutes();
  memory = new MemoryRoutes();
  // `(file) => job changes`: what becomes of an upload; null leaves the job to the test.
  read = () => ({ state: 'done', progress: 1, chunks: 3 });
  // `(request) => problem | null`, asked before every API call.
  refuse = () => null;
  jobStreams = true;
  // Who may read what was uploaded last, as the form said it.
  uploadReaders = undefined;
  down = false;
  #listeners = new Set();
  #waiting = [];

  static async start() {
    const server = new ScriptedServer();
    server.identity.workspaces = () => server.workspaces;
    server.http = createServer((request, response) => {
      server.#serve(request, response).catch((error) => response.destroy(error));
    });
    await new Promise((resolve) => server.http.listen(0, '127.0.0.1', resolve));
    server.url = `http://127.0.0.1:${server.http.address().port}`;
    return server;
  }

  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  find(name) {
    return this.entries.find(({ document }) => document.id === `doc-${name}`);
  }

  // Resolves with the requests to the path, once there are so many of them.
  async received(method, path, count = 1) {
    for (;;) {
      const found = this.requests.filter((one) => one.method === method && one.path === path);
      if (found.length >= count) return found;
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  // Changes the job that reads `source` and tells everyone who listens.
  updateJob(source, change) {
    const job = this.jobs.find((one) => one.subject === source);
    Object.assign(job, change);
    if (job.state === 'done' && !job.unchanged) this.#finish(job);
    for (const listener of this.#listeners) listener(job.batch);
  }

  cutJobStreams() {
    for (const listener of this.#listeners) listener.cut();
  }

  get jobListeners() {
    return this.#listeners.size;
  }

  #finish(job) {
    const held = this.entries.find(({ document }) => document.id === job.document);
    if (held) held.document.status = held.document.version.status = 'ready';
  }

  async #serve(request, response) {
    if (this.down) return request.socket.destroy();
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    const url = new URL(request.url, this.url);
    if (!url.pathname.startsWith('/v1/') && url.pathname !== '/openapi.json') return serveFile(url.pathname, response);
    const body = Buffer.concat(await collect(request));
    const seen = { method: request.method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: request.headers, body };
    this.requests.push(seen);
    for (const wake of this.#waiting.splice(0)) wake();
    const shut = this.identity.refused(seen, this.key);
    if (shut) return fail(response, shut);
    const refused = this.refuse(seen);
    if (refused) return problem(response, refused.status, refused.type ?? 'internal', refused.code, refused.message);
    return this.#route(seen, response);
  }

  async #route(request, response) {
    const [, , noun, id, part, version] = request.path.split('/').map(decodeURIComponent);
    const name = `${request.method} ${noun}`;
    if (request.path === '/openapi.json') return json(response, openapi);
    if (noun === 'threads' || noun === 'turns') return this.chat.route(request, response);
    if (noun === 'runs' || noun === 'approvals' || noun === 'flows') return this.runs.route(request, response);
    if (name === 'POST ask') return this.#askOnce(JSON.parse(request.body), response);
    if (name === 'POST search') return this.#search(JSON.parse(request.body), response);
    if (name === 'GET status') return json(response, this.status());
    if (['auth', 'users', 'groups', 'grants', 'keys', 'audit'].includes(noun)) return this.identity.route(request, response);
    if (noun === 'limits') return this.limits.route(request, response);
    if (noun === 'memory') return this.memory.route(request, response);
    if (noun === 'providers') return this.models.route(request, response);
    if (noun === 'ops') return this.operations.route(request, response);
    if (name === 'GET workspaces') return json(response, this.workspaces.map((one) => ({ id: one, name: one, documents: 3, chunks: 40, created_at: '2026-11-01T00:00:00Z' })));
    if (name === 'GET jobs' && id === 'events') return this.#follow(request.query.batch, response);
    if (name === 'GET jobs') return json(response, this.#jobsPage(request.query.batch));
    if (name === 'POST documents' && id === 'find') return this.#list(JSON.parse(request.body), response);
    if (name === 'POST documents') return this.#upload(request, response);
    if (name === 'GET documents' && !id) return this.#list(request.query, response);
    return this.#document(request, id, part, version, response);
  }

  status() {
    const ready = this.entries.filter(({ document }) => document.status === 'ready');
    return {
      version: '0.1.0',
      workspace: 'default',
      documents: this.entries.length,
      chunks: ready.reduce((sum, { document }) => sum + document.version.chunk_count, 0),
      jobs: this.#jobsPage().counts,
      embedder: 'all-MiniLM-L6-v2',
      chat_models: this.chatModels,
      answer_mode: this.chatModels.length > 0 ? 'generative' : 'extractive',
      index_lag: 0,
    };
  }

  #list(query, response) {
    const text = (query.text ?? '').toLowerCase();
    const fits = ({ document }) =>
      (!query.status || document.status === query.status) &&
      (!text || `${document.title} ${document.source}`.toLowerCase().includes(text));
    const all = this.entries.filter(fits);
    const from = Number(query.cursor ?? 0);
    const limit = Number(query.limit ?? 50);
    const next = from + limit < all.length ? { next: String(from + limit) } : {};
    json(response, { documents: all.slice(from, from + limit).map(({ document }) => document), total: all.length, ...next });
  }

  #document(request, id, part, version, response) {
    const held = this.entries.find(({ document }) => document.id === id);
    if (!held) return problem(response, 404, 'not_found', 'document_unknown', `there is no document ${id}`);
    if (request.method === 'DELETE') {
      this.entries = this.entries.filter((one) => one !== held);
      return response.writeHead(204).end();
    }
    if (request.method === 'PATCH') return this.#share(held.document, JSON.parse(request.body).readers, response);
    if (!part) return json(response, held.document);
    if (part === 'content') return response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(held.text);
    if (part === 'versions' && !version) return json(response, [held.document.version]);
    return passage(held, request.query, response);
  }

  // Who is named must be there, and whoever writes the list on it.
  #share(document, named, response) {
    const { users, groups, signedIn } = this.identity;
    const known = [...users.map(({ name }) => `user:${name}`), ...groups.map(({ name }) => `group:${name}`)];
    const unknown = named.find((one) => !known.includes(one));
    if (unknown) return problem(response, 404, 'not_found', 'holder_unknown', `there is no ${unknown}`);
    if (named.length > 0 && !named.includes(`user:${signedIn}`)) return problem(response, 400, 'bad_request', 'readers_without_you', 'this list would shut you out yourself; put your account, or a group of yours, into it');
    document.readers = named.map((one) => ({ holder: one.replace(/^(.)(.*):/, '$1$2:$1-'), name: one.replace(/^.*:/, '') }));
    return json(response, document);
  }

  #upload(request, response) {
    const batch = request.query.batch ?? 'batch-1';
    const { readers, files: sent } = parseForm(request);
    this.uploadReaders = readers;
    const files = sent.map((file) => this.#accept(batch, file));
    json(response, { batch, files }, 202);
  }

  #accept(batch, { source, text }) {
    const known = this.entries.find(({ document }) => document.source === source);
    if (known && known.text === text) return { source, outcome: 'unchanged', document: known.document.id };
    const name = `new-${this.entries.length + 1}`;
    const held = entry(name, source.replace(/^.*\//, '').replace(/\.[^.]*$/, ''), source, text);
    held.document.status = held.document.version.status = 'pending';
    this.entries.unshift(held);
    const job = { id: `job-${name}`, kind: 'ingest', state: 'queued', subject: source, document: held.document.id, batch, attempts: 1, progress: 0, created_at: '2026-11-21T06:00:00Z' };
    this.jobs.push(job);
    const outcome = this.read({ source, text });
    if (outcome) this.updateJob(source, outcome);
    return { source, outcome: 'queued', document: held.document.id, job: job.id };
  }

  #jobsPage(batch) {
    const jobs = this.jobs.filter((job) => !batch || job.batch === batch);
    const counts = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
    for (const job of jobs) counts[job.state] += 1;
    return { jobs, counts };
  }

  #follow(batch, response) {
    if (!this.jobStreams) return problem(response, 503, 'unavailable', 'server_busy', 'too many streams');
    const stream = new Stream(response);
    const listener = (changed) => {
      if (changed !== batch) return;
      const page = this.#jobsPage(batch);
      for (const job of page.jobs) stream.send('job', job);
      stream.send('counts', page.counts);
      if (page.counts.queued + page.counts.running > 0) return;
      stream.send('done', page.counts);
      stream.end();
    };
    listener.cut = () => stream.cut();
    this.#listeners.add(listener);
    response.on('close', () => this.#listeners.delete(listener));
    listener(batch);
  }

  // For the API page, which calls it as it stands in the description.
  #askOnce({ question, stream }, response) {
    const told = { text: `You asked “${question}”.`, mode: 'extractive', claims: [], citations: [], confidence: 1, usage: { prompt_tokens: 0, completion_tokens: 0 }, took_ms: 1 };
    if (!stream) return json(response, told);
    const events = new Stream(response);
    events.send('done', told);
    return events.end();
  }

  #search(request, response) {
    const words = request.query.toLowerCase().split(/\W+/).filter((word) => word.length > 2);
    const hits = this.entries.filter(({ document }) => document.status === 'ready').map(({ document, text }) => hit(document, text, words, request.explain));
    json(response, { hits: hits.filter(Boolean).sort((a, b) => b.score - a.score).slice(0, request.limit ?? 10), took_ms: 3.2, ...(request.explain ? { trace: trace(words) } : {}) });
  }
}

// Without a script: the sentence that shares the most words with the question, of any document.
async function extract(run, request, server) {
  const words = request.question.toLowerCase().split(/\W+/).filter((word) => word.length > 3);
  const shared = (sentence) => words.filter((word) => sentence.toLowerCase().includes(word)).length;
  let best = { score: 0 };
  for (const held of server.entries.filter(({ document }) => document.status === 'ready')) {
    for (const sentence of held.text.match(/[^.!?\n]+[.!?]/g) ?? []) {
      const score = shared(sentence);
      if (score > best.score) best = { score, held, quote: sentence.trim() };
    }
  }
  run.did('retrieve', `${server.entries.length} documents`);
  if (best.score < 2) {
    const abstained = { reason: 'no passage speaks of it', looked_for: words, nearest: [] };
    return run.done(answer({ abstained, confidence: 0.1 }));
  }
  const citation = cite(1, best.held, best.quote);
  run.send('citation', citation);
  run.token(`${best.quote} [1]`);
  run.done(answer({ text: `${best.quote} [1]`, citations: [citation], claims: [claim(best.quote, 'supported', [1])] }));
}

function passage({ document, text }, query, response) {
  const bytes = Buffer.from(text);
  const [start, end] = [Number(query.start_byte), Number(query.end_byte)];
  const context = Number(query.context_bytes ?? 1500);
  if (!(start <= end && end <= bytes.length) || inside(bytes, start) || inside(bytes, end)) {
    return problem(response, 400, 'bad_request', 'span_out_of_range', `bytes ${start}..${end} are no span of the text`);
  }
  let from = Math.max(0, start - context);
  let to = Math.min(bytes.length, end + context);
  while (inside(bytes, from)) from += 1;
  while (inside(bytes, to)) to -= 1;
  json(response, {
    document: { ...document, version: undefined },
    version: document.version,
    heading_path: [],
    before: bytes.subarray(from, start).toString(),
    quote: bytes.subarray(start, end).toString(),
    after: bytes.subarray(end, to).toString(),
    start_byte: from,
    text_bytes: bytes.length,
  });
}

// Whether the place lies within a character.
function inside(bytes, at) {
  return at < bytes.length && (bytes[at] & 0xc0) === 0x80;
}

function hit(document, text, words, explain) {
  const sentence = (text.match(/[^\n]+/g) ?? []).find((line) => words.some((word) => line.toLowerCase().includes(word)));
  if (!sentence) return null;
  const start_byte = Buffer.byteLength(text.slice(0, text.indexOf(sentence)));
  const terms = words.filter((word) => sentence.toLowerCase().includes(word));
  const score = terms.length / words.length;
  const why = { lexical: { rank: 1, score: 7.31, normalised: score, weight: 0.4 }, dense: { rank: 2, score: 0.52, normalised: 0.71, weight: 0.6 }, terms };
  return {
    score, similarity: 0.52, document: document.id, version: document.version.id, chunk: `chunk-${document.id}`,
    title: document.title, source: document.source, heading_path: ['Leave', 'Annual leave'], text: sentence,
    start_byte, end_byte: start_byte + Buffer.byteLength(sentence), kind: 'text', date: document.date, language: document.language, tags: document.tags,
    ...(explain ? { why } : {}),
  };
}

function trace(terms) {
  const timings = [{ step: 'lexical', us: 640 }, { step: 'dense', us: 1210 }, { step: 'fuse', us: 90 }];
  return { mode: 'hybrid', terms, language: 'en', eligible: 40, total: 40, lexical_candidates: 12, dense_candidates: 40, fusion: 'convex', timings };
}

// Enough of multipart/form-data for what browsers send: text parts, and files that hold text.
function parseForm({ headers, body }) {
  const boundary = /boundary=(.+)$/.exec(headers['content-type'])?.[1];
  const parts = body.toString('utf8').split(`--${boundary}`).slice(1, -1);
  const read = parts.map((part) => {
    const [head, ...rest] = part.replace(/^\r\n/, '').split('\r\n\r\n');
    return { name: / name="([^"]*)"/.exec(head)?.[1], file: /filename="([^"]*)"/.exec(head)?.[1], text: rest.join('\r\n\r\n').replace(/\r\n$/, '') };
  });
  const sources = read.filter((part) => part.name === 'source').map((part) => part.text);
  const files = read.filter((part) => part.name === 'file').map((part, index) => ({ source: sources[index] ?? part.file, text: part.text }));
  return { files, readers: read.find((part) => part.name === 'readers')?.text };
}

function serveFile(path, response) {
  const name = normalize(path).replace(/^\/+/, '') || 'index.html';
  try {
    response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
    response.end(readFileSync(join(DIST, name)));
  } catch {
    problem(response, 404, 'not_found', 'page_unknown', `there is no page ${path}`);
  }
}

async function collect(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}
