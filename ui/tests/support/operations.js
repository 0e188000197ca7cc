// The operations of a server: what fires, what is open, what is backed up, as a test sets them.
import { series } from './series.js';
import { json, problem, Stream } from './wire.js';

const MINUTE = 60_000;
const iso = (ms) => new Date(ms).toISOString();

export class OperationsRoutes {
  now = Date.now();
  series = series;
  alerts = [
    alert(7, { rule: 'backup-behind', subject: 'elsewhere', severity: 'critical', summary: 'the backup to elsewhere is 12 min behind', runbook: 'backup-failed', incident: 3, fired_at: iso(this.now - 14 * MINUTE) }),
    alert(6, { rule: 'disk-low', severity: 'warning', summary: 'the disk of the data directory has 9 % left', runbook: 'disk-full', acknowledged_by: 'mara', fired_at: iso(this.now - 65 * MINUTE) }),
    alert(5, { rule: 'provider-failing', subject: 'small', severity: 'warning', summary: 'a tenth of the calls of small fail', runbook: 'provider-down', fired_at: iso(this.now - 3000 * MINUTE), resolved_at: iso(this.now - 2980 * MINUTE) }),
  ];
  pending = [{ rule: 'searches-slow', subject: '', severity: 'warning', summary: 'the slowest searches take 1.4 s', value: 1.4, hold_seconds: 600 }];
  silences = [{ number: 1, rule: 'slo-*', subject: '', reason: 'the move to the new machine', by: 'mara', until: iso(this.now + 90 * MINUTE) }];
  rules = [
    rule('backup-behind', 'critical', 'the backup to {subject} is {value} s behind', 'ibid_backup_age_seconds > 300', { priority: 1, is_firing: true, runbook: 'backup-failed' }),
    rule('disk-low', 'warning', 'the disk of the data directory has {value} left', 'ibid_disk_free_bytes / ibid_disk_total_bytes < 0.1', { is_firing: true, runbook: 'disk-full' }),
    rule('searches-slow', 'warning', 'the slowest searches take {value} s', 'histogram_quantile(0.95, sum by (le) (rate(ibid_retrieve_search_duration_seconds_bucket[10m]))) > 1', { hold_seconds: 600 }),
  ];
  slo = [
    objective('availability', '99.5 % of the requests do not fail', 0.995, 0.9991, 0.82, 0.2),
    objective('retrieval', '95 % of the searches take 0.5 s at most', 0.95, 0.955, 0.1, 3.2),
    objective('answers', '99 % of the questions do not end in an error', 0.99, 0.985, -0.5, 0.4),
    objective('accuracy', '95 % of the time at least 0.9 of what answers say is right', 0.95, null, null, null),
  ];
  incidents = [
    incident(3, { priority: 1, title: 'the backup to elsewhere is 12 min behind', rule: 'backup-behind', runbook: 'backup-failed', opened_at: iso(this.now - 4 * MINUTE), respond_by: iso(this.now + 11 * MINUTE) }),
    incident(2, { priority: 2, title: 'uploads of scans fail', state: 'resolved', roles: { commander: 'mara' }, opened_at: iso(this.now - 2000 * MINUTE), acknowledged_at: iso(this.now - 1990 * MINUTE), respond_by: iso(this.now - 1970 * MINUTE), resolved_at: iso(this.now - 1900 * MINUTE) }),
  ];
  events = { 3: [event(1, this.now - 4 * MINUTE, 'opened', 'ibid', 'opened as P1: the backup to elsewhere is 12 min behind'), event(2, this.now - 4 * MINUTE, 'alert', 'ibid', 'fires: the backup to elsewhere is 12 min behind')] };
  // What only a look at everything finds.
  looked = [];
  findings = [
    { area: 'store', state: 'ok', code: '', what: 'the tables are of this version', fix: '' },
    { area: 'models', state: 'ok', code: '', what: 'all-MiniLM-L6-v2 embeds', fix: '' },
    { area: 'index', state: 'ok', code: '', what: '0 changes behind', fix: '' },
    { area: 'backup', state: 'problem', code: 'backup_behind', what: 'a destination is 720 s behind', fix: 'ibid runbook run backup-failed' },
    { area: 'jobs', state: 'note', code: 'jobs_failed', what: '2 jobs gave up', fix: 'ibid jobs list --state failed, then ibid jobs retry ID' },
  ];
  tasks = {
    tasks: [{ name: 'backup', state: 'running' }],
    rounds: [
      { task: 'clean-up of originals', at: iso(this.now - 20 * MINUTE), took_ms: 14, result: '0 of 14 removed', failure: null, rounds: 3, failed: 0 },
      { task: 'base', at: iso(this.now - 300 * MINUTE), took_ms: 4200, result: 'cannot write to elsewhere: connection refused', failure: 'backup_unreachable', rounds: 2, failed: 1 },
    ],
  };
  runbooks = { 'backup-failed': { title: 'A backup is late, failed, or cannot be restored', text: RUNBOOK }, 'disk-full': { title: 'The disk is full', text: '# The disk is full\n\nMake room.\n' } };
  backup = {
    generation: '001763-a1', commit: 4211, commit_at: this.now - MINUTE, base_at: this.now - 300 * MINUTE, is_base_running: false, failures: 0, last_failure: null, spool_bytes: 1_840_000,
    destinations: [
      destination('disk', { last_success_at: this.now - MINUTE }),
      destination('elsewhere', { is_reachable: false, behind_ms: 12 * MINUTE, waiting_segments: 31, waiting_bytes: 1_840_000, last_success_at: this.now - 13 * MINUTE, failures: 9, last_failure: { at: this.now - MINUTE, code: 'backup_unreachable', reason: 'cannot write to elsewhere: connection refused' } }),
    ],
  };
  held = [
    { destination: 'disk', stretches: [stretch(this.now - 20_000 * MINUTE, this.now - 9_000 * MINUTE, 1, 1800), stretch(this.now - 8_000 * MINUTE, this.now - MINUTE, 1801, 4211)] },
    { destination: 'elsewhere', stretches: [stretch(this.now - 8_000 * MINUTE, this.now - 13 * MINUTE, 1801, 4180)] },
  ];
  verified = [
    { destination: 'disk', objects: 812, bytes: 88_000_000, segments: 700, commits: 4211, bases: 9, pieces: 103, damages: [], last_commit: 4211, last_at: this.now },
    { destination: 'elsewhere', objects: 802, bytes: 87_000_000, segments: 690, commits: 4180, bases: 9, pieces: 103, damages: [{ object: 'pieces/ab/cdef', code: 'backup_checksum', reason: 'its checksum is not that of its content' }], last_commit: 4180, last_at: this.now },
  ];
  drills = [drill(this.now - 600 * MINUTE, {}), drill(this.now - 10_600 * MINUTE, { is_passed: false, failures: ['pieces/ab/cdef: its checksum is not that of its content'], questions: [] })];
  // What waits until the test lets it go: a promise.
  until = Promise.resolve();

  async route({ method, path, query, body }, response) {
    const [, , , noun, id, part] = path.split('/').map(decodeURIComponent);
    const asked = body.length > 0 ? JSON.parse(body) : {};
    const name = `${method} ${noun}`;
    if (noun === 'series') return json(response, this.series(query));
    if (name === 'GET alerts') return json(response, { alerts: this.alerts.map((one) => ({ ...one, silenced: this.#isSilenced(one) })), pending: this.pending, silences: this.silences, next: null });
    if (name === 'POST alerts' && id === 'test') return json(response, [{ receiver: 'team', outcome: 'done' }, { receiver: 'pager', outcome: 'failed' }]);
    if (name === 'POST alerts') return this.#acknowledge(Number(id), asked.by, response);
    if (name === 'POST silences') return this.#silence(asked, response);
    if (name === 'DELETE silences') return this.#unsilence(Number(id), response);
    if (noun === 'alert-rules') return json(response, this.rules);
    if (noun === 'slo') return json(response, this.slo);
    if (noun === 'tasks') return json(response, this.tasks);
    if (noun === 'doctor') return json(response, query.quick === 'true' ? this.findings : [...this.looked, ...this.findings]);
    if (noun === 'runbooks') return this.#runbook(id, response);
    if (noun === 'incidents') return this.#incident(method, id, part, asked, response);
    if (noun === 'drills') return this.#drill(method, response);
    if (noun === 'restores') return json(response, { is_dry_run: asked.dry_run, commit: 4211, at: this.now, documents: 1, threads: 0, runs: 0, turns_away: 0, originals_missing: 0, items: [{ kind: 'document', id: 'doc-1', name: asked.only.split('=')[1], is_there: true }], failures: [] });
    if (noun === 'backups') return this.#backup(method, id, response);
    return problem(response, 404, 'not_found', 'route_unknown', `there is no ${path}`);
  }

  #isSilenced(one) {
    return !one.resolved_at && this.silences.some((silence) => silence.rule === one.rule && (!silence.subject || silence.subject === one.subject));
  }

  #acknowledge(number, by, response) {
    this.alerts.find((one) => one.number === number).acknowledged_by = by || 'operator';
    response.writeHead(204).end();
  }

  #silence(asked, response) {
    if (!asked.rule.endsWith('*') && !this.rules.some((one) => one.name === asked.rule)) {
      return problem(response, 400, 'bad_request', 'alert_rule_unknown', `there is no rule '${asked.rule}'; see \`ibid alerts rules\`, or end a beginning with *`);
    }
    const silence = { number: this.silences.length + 1, rule: asked.rule, subject: asked.subject, reason: asked.reason, by: asked.by || 'operator', until: iso(this.now + asked.minutes * MINUTE) };
    this.silences.push(silence);
    json(response, silence, 201);
  }

  #unsilence(number, response) {
    this.silences = this.silences.filter((one) => one.number !== number);
    response.writeHead(204).end();
  }

  #runbook(name, response) {
    const entries = Object.entries(this.runbooks).map(([one, { title, text }]) => ({ name: one, title, steps: text.split('```runbook').length - 1 }));
    if (!name) return json(response, entries);
    const found = this.runbooks[name];
    if (!found) return problem(response, 404, 'not_found', 'runbook_unknown', `there is no runbook '${name}'`);
    return response.writeHead(200, { 'content-type': 'text/markdown; charset=utf-8' }).end(found.text);
  }

  #incident(method, id, part, asked, response) {
    if (!id && method === 'GET') return json(response, { incidents: this.incidents, next: null });
    if (!id) return this.#open(asked, response);
    const found = this.incidents.find((one) => one.number === Number(id));
    if (!found) return problem(response, 404, 'not_found', 'incident_unknown', `there is no incident ${id}; see \`ibid incidents list\``);
    if (part === 'review') return response.writeHead(200, { 'content-type': 'text/markdown; charset=utf-8' }).end(`# Incident ${id}: ${found.title}\n`);
    if (part === 'events') this.#change(found, asked);
    return json(response, this.#detail(found));
  }

  #open({ title, priority, by }, response) {
    const opened = incident(this.incidents[0].number + 1, { title, priority, opened_at: iso(this.now), respond_by: priority < 3 ? iso(this.now + 15 * MINUTE) : null });
    this.incidents.unshift(opened);
    this.note(opened.number, 'opened', by || 'operator', `opened as P${priority}: ${title}`);
    json(response, opened, 201);
  }

  // As `ibid`, a colleague or the page writes it.
  note(number, kind, who, text) {
    const events = (this.events[number] ??= []);
    events.push(event(events.length + 1, this.now, kind, who, text));
  }

  #change(found, asked) {
    const by = asked.by || 'operator';
    if (asked.note) this.note(found.number, asked.kind ?? 'note', by, asked.note);
    if (asked.role) {
      if (asked.person) found.roles[asked.role] = asked.person;
      else delete found.roles[asked.role];
      this.note(found.number, 'role', by, `${asked.role}: ${asked.person || 'nobody'}`);
    }
    if (asked.message !== undefined) found.message = asked.message || null;
    if (asked.priority !== undefined) found.priority = asked.priority;
    if (asked.state) {
      found.state = asked.state;
      if (asked.state === 'acknowledged') found.acknowledged_at = iso(this.now);
      this.note(found.number, 'state', by, asked.state);
    }
  }

  #detail(found) {
    const templates = { investigating: `We see a problem (${found.title}) and look into it.`, resolved: `The problem (${found.title}) is over.` };
    return { incident: found, events: this.events[found.number] ?? [], alerts: this.alerts.filter((one) => one.incident === found.number), templates };
  }

  async #verify(response) {
    const stream = new Stream(response);
    stream.send('progress', { destination: 'disk', what: 'pieces', done: 30, all: 120 });
    await this.until;
    for (const one of this.verified) stream.send('verified', one);
    stream.send('done', {});
    stream.end();
  }

  async #drill(method, response) {
    if (method === 'GET') return json(response, { drills: this.drills });
    await this.until;
    this.drills.unshift(drill(this.now, {}));
    json(response, this.drills[0]);
  }

  async #backup(method, id, response) {
    if (id === 'status') return this.backup ? json(response, this.backup) : problem(response, 409, 'conflict', 'backup_disabled', 'nothing is backed up: set backup.enabled to true and start again');
    if (method === 'GET' && !id) return json(response, { destinations: this.held });
    if (id !== 'verify') await this.until;
    if (id === 'verify') return this.#verify(response);
    json(response, { generation: '001763-a1', commit: 4212, at: this.now, bytes: 41_000_000, originals: 3, pieces_new: 2, bytes_new: 310_000, destinations: ['disk'] });
  }
}

function alert(number, change) {
  return { number, rule: '', subject: '', severity: 'warning', summary: '', runbook: '', value: 1, fired_at: '', resolved_at: null, acknowledged_by: null, silenced: false, incident: null, ...change };
}

function rule(name, severity, summary, expression, change) {
  return { name, severity, summary, expression, hold_seconds: 60, runbook: '', priority: null, is_firing: false, ...change };
}

function objective(name, promise, target, good, budget_left, burn) {
  return { name, promise, target, good, budget_left, burn };
}

function incident(number, change) {
  return { number, priority: 2, title: '', state: 'open', rule: null, runbook: '', roles: {}, message: null, opened_at: '', respond_by: null, is_late: false, acknowledged_at: null, resolved_at: null, closed_at: null, ...change };
}

function event(number, at, kind, who, text) {
  return { number, at: iso(at), kind, who, text };
}

function destination(label, change) {
  return { label, is_reachable: true, last_success_at: null, waiting_segments: 0, waiting_bytes: 0, behind_ms: 0, failures: 0, last_failure: null, needs_base: false, uploaded_bytes: 12_000_000, ...change };
}

function stretch(from, to, from_commit, to_commit) {
  return { generation: `00${from}-a1`, from_commit, from, to_commit, to, bases: 4, segments: 320, bytes: 41_000_000 };
}

function drill(at, change) {
  const questions = Array.from({ length: 8 }, (_, index) => ({ chunk: String(index), is_found: true, is_exact: true }));
  return { at, is_passed: true, failures: [], generation: '001763-a1', commit: 4100, commit_at: at - 900, rpo_ms: 400, rto_ms: 8_400, restored_ms: 3_100, opened_ms: 6_000, database_bytes: 38_000_000, segments: 41, originals: 3, originals_missing: 0, rows: [], questions, ...change };
}

const RUNBOOK = `# A backup is late, failed, or cannot be restored

A destination is behind or cannot be reached, no base was made for more than a day,
or a rehearsal failed.

\`\`\`runbook
kind: diagnose
run: ibid backup status
\`\`\`

\`\`\`runbook
kind: action
manual: make the destination reachable, see \`ibid backup status\`
\`\`\`

\`\`\`runbook
kind: action
run: ibid backup now
confirm: make a base now?
\`\`\`

\`\`\`runbook
kind: verify
run: ibid doctor --only backup
exit: 0
tries: 10
\`\`\`
`;
