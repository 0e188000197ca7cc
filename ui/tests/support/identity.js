// Accounts of a server: who asks, who else there is, and what each may, as a test sets them. One browser at a time: its session
// is held here, not in a cookie.
import { FactorRoutes } from './factors.js';
import { json, problem } from './wire.js';

const ALL = ['enter', 'read', 'converse', 'edit', 'build', 'see', 'operate', 'audit', 'administer', 'own'];
const ROLES = {
  owner: ALL,
  admin: ALL.filter((one) => one !== 'own'),
  editor: ['enter', 'read', 'converse', 'edit'],
  reader: ['enter', 'read', 'converse'],
  operator: ['enter', 'see', 'operate'],
  auditor: ['enter', 'see', 'audit'],
};
const OPEN = ['/v1/auth/door', '/v1/auth/sign-in', '/v1/auth/oidc/code', '/v1/auth/link', '/v1/auth/passkey-sign-in/begin', '/v1/auth/passkey-sign-in'];
const HOUR = 3_600_000;
const iso = (ms) => new Date(ms).toISOString();

export const PASSWORD = 'seven grey herons wade slowly';

export class IdentityRoutes {
  now = Date.now();
  users = [user('ada', { signed_in_at: iso(this.now - HOUR) }), user('mara', { signed_in_at: iso(this.now - 50 * HOUR), has_second_factor: true }), user('jo', { has_password: false }), user('eve', { is_disabled: true })];
  passwords = { ada: PASSWORD };
  groups = [{ id: 'g-legal', name: 'legal', members: ['u-mara'] }];
  grants = [grant('user:u-ada', 'owner'), grant('user:u-mara', 'editor'), grant('user:u-mara', 'auditor', 'default'), grant('group:g-legal', 'reader', 'default')];
  keys = [key('nightly import', ['editor'], { last_used_at: iso(this.now - 3 * HOUR), expires_at: iso(this.now + 2000 * HOUR) }), key('old', ['reader in default'], { expires_at: iso(this.now - HOUR) })];
  links = { 'ibid_first': null, 'ibid_jo': 'jo', 'ibid_ada': 'ada' };
  sessions = [session('s-1', { is_this: true }), session('s-2', { device: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile Safari/604.1', address: '10.0.0.7', used_at: iso(this.now - 30 * HOUR) })];
  entries = Array.from({ length: 120 }, (_, index) => entry(index + 1, this.now - (120 - index) * HOUR));
  // Who has a session; nobody is null.
  signedIn = 'ada';
  // Why nobody has one.
  refusal = 'key_missing';
  isFirstRun = false;
  // `{ passkey_host, provider }`, where there are such.
  offered = {};
  // Of ada, with whom every test begins.
  factors = new FactorRoutes(this);
  lockedUntil = null;
  workspaces = () => ['default'];

  end(code = 'session_over') {
    this.signedIn = null;
    this.refusal = code;
  }

  // A problem, or null where the request may pass; `key` is the one that the server takes.
  refused({ path, headers }, key) {
    if (OPEN.includes(path)) return null;
    if (headers.authorization) return headers.authorization === `Bearer ${key}` ? null : unauthenticated('key_unknown', 'the API key is not known, was revoked, or is over');
    if (this.signedIn) return this.#lacksFactor(path) ? { status: 403, type: 'forbidden', code: 'second_factor_missing', message: 'this server wants a second factor of every account; set up an authenticator app or a passkey first' } : null;
    return unauthenticated(this.refusal, this.refusal === 'key_missing' ? 'sign in, or send an API key' : 'you are not signed in any more; sign in again');
  }

  #lacksFactor(path) {
    return this.factors.isRequired && !this.factors.isThere && !path.startsWith('/v1/auth/');
  }

  me(request) {
    const places = this.workspaces();
    if (request?.headers.authorization) return { kind: 'key', name: 'laptop', everywhere: ROLES.admin, workspaces: places.map((name) => ({ name, permissions: ROLES.admin })) };
    const mine = this.grants.filter((one) => one.holder === `user:u-${this.signedIn}`);
    const may = (place) => ALL.filter((one) => mine.some((grant) => (!grant.workspace || grant.workspace === place) && ROLES[grant.role].includes(one)));
    const workspaces = places.map((name) => ({ name, permissions: may(name) })).filter((one) => one.permissions.length > 0);
    return { kind: 'user', name: this.signedIn, session: 's-1', everywhere: may(undefined), workspaces };
  }

  route(request, response) {
    const { method, path, query, body } = request;
    const [, , noun, id, part, other] = path.split('/').map(decodeURIComponent);
    const asked = body.length > 0 ? JSON.parse(body) : {};
    const done = () => response.writeHead(204).end();
    const name = `${method} ${noun}`;
    if (noun === 'auth') return this.factors.route(`${method} ${id}`, part, other, asked, response) || this.#auth(`${method} ${id}`, part, asked, request, response);
    if (name === 'GET users') return json(response, this.users);
    if (name === 'POST users') return this.#addUser(asked, response);
    if (name === 'GET groups') return json(response, this.groups);
    if (name === 'GET grants') return json(response, this.grants);
    if (name === 'GET keys') return json(response, this.keys);
    if (name === 'GET audit') return id ? this.#verify(response) : json(response, this.#page(query));
    if (name === 'POST keys') {
      const roles = [asked.workspace ? `${asked.role} in ${asked.workspace}` : asked.role];
      const made = key(asked.name, roles, asked.expires_at ? { expires_at: asked.expires_at } : {});
      this.keys.push(made);
      return json(response, { ...made, key: 'ibid_a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4' }, 201);
    }
    if (name === 'POST groups') {
      this.groups.push({ id: `g-${asked.name}`, name: asked.name, members: [] });
      return json(response, this.groups.at(-1), 201);
    }
    if (name === 'PATCH users') this.users.find((one) => one.id === id).is_disabled = asked.is_disabled;
    if (name === 'DELETE users' && part === 'factors') this.users.find((one) => one.id === id).has_second_factor = false;
    else if (name === 'DELETE users') this.users = this.users.filter((one) => one.id !== id);
    if (name === 'DELETE keys') this.keys = this.keys.filter((one) => one.id !== id);
    if (name === 'PUT groups') this.groups.find((one) => one.id === id).members.push(other);
    if (name === 'DELETE groups' && other) {
      const group = this.groups.find((one) => one.id === id);
      group.members = group.members.filter((one) => one !== other);
    } else if (name === 'DELETE groups') this.groups = this.groups.filter((one) => one.id !== id);
    if (name === 'PUT grants' || name === 'DELETE grants') {
      const { holder, workspace } = name === 'PUT grants' ? asked : query;
      const was = this.grants.find((one) => one.holder === holder && one.workspace === workspace);
      if (was?.role === 'owner') return problem(response, 409, 'conflict', 'owner_last', 'nobody else is an owner; make somebody else one first');
      this.grants = this.grants.filter((one) => one !== was);
      if (name === 'PUT grants') this.grants.push(grant(holder, asked.role, workspace));
    }
    return done();
  }

  #auth(name, id, asked, request, response) {
    const done = () => response.writeHead(204).end();
    if (name === 'GET door') return json(response, { is_first_run: this.isFirstRun, ...this.offered });
    if (name === 'GET me') return json(response, this.me(request));
    if (name === 'GET sessions') return json(response, this.sessions);
    if (name === 'POST sign-in') return this.#signIn(asked.name.trim().toLowerCase(), asked, response);
    if (name === 'POST oidc') return this.#atProvider(asked, response);
    if (name === 'POST link') return this.#useLink(asked, response);
    if (name === 'POST links') return json(response, { path: '/#/welcome/ibid_again', expires_at: iso(this.now + 24 * HOUR) }, 201);
    if (name === 'POST password') {
      if (asked.former !== this.passwords[this.signedIn]) return fail(response, unauthenticated('sign_in_failed', 'the name or the password is wrong'));
      this.passwords[this.signedIn] = asked.password;
      this.sessions = this.sessions.filter((one) => one.is_this);
      return json(response, { ...this.me(), session: 's-9' });
    }
    if (name === 'POST sign-out') this.end('key_missing');
    if (name === 'DELETE sessions') {
      const isAll = id === undefined || id === 'all';
      const isOwn = this.sessions.find((one) => one.id === id)?.is_this;
      const refused = id === 'all' || isOwn ? null : this.factors.unproven(asked);
      if (refused) return fail(response, unauthenticated(refused.code, refused.message));
      if (isAll || this.sessions.find((one) => one.id === id)?.is_this) this.end('session_over');
      this.sessions = this.sessions.filter((one) => !isAll && one.id !== id);
    }
    return done();
  }

  #signIn(name, { password, code }, response) {
    if (this.lockedUntil) return problem(response, 429, 'too_many_requests', 'sign_in_locked', `too many wrong passwords: the next attempt can be made at ${this.lockedUntil}`);
    if (!password || this.passwords[name] !== password) return fail(response, unauthenticated('sign_in_failed', 'the name or the password is wrong; `ibid auth link NAME` on the server sets another password'));
    const refused = name === 'ada' ? this.factors.refused(code) : null;
    if (refused) return fail(response, unauthenticated(refused.code, refused.message));
    this.signedIn = name;
    return json(response, this.me());
  }

  #atProvider({ code }, response) {
    const refused = this.factors.refused(code);
    if (refused) return fail(response, unauthenticated(refused.code, refused.message));
    this.signedIn = 'ada';
    return json(response, this.me());
  }

  #useLink({ token, name, password, code }, response) {
    if (!(token in this.links)) return fail(response, unauthenticated('link_over', 'the link was used, is over, or was replaced by a newer one; `ibid auth link` makes another'));
    if (password.includes('password')) return problem(response, 400, 'bad_request', 'password_guessable', 'the password is one of those that are tried first; take three or four words');
    const whose = this.links[token] ?? name.trim().toLowerCase();
    const refused = whose === 'ada' ? this.factors.refused(code) : null;
    if (refused) return fail(response, unauthenticated(refused.code, refused.message));
    if (this.links[token] === null) {
      this.users = [user(whose)];
      this.grants = [grant(`user:u-${whose}`, 'owner')];
    }
    delete this.links[token];
    Object.assign(this, { signedIn: whose, isFirstRun: false });
    this.passwords[whose] = password;
    return json(response, this.me());
  }

  #addUser({ name, role, workspace }, response) {
    if (this.users.some((one) => one.name === name)) return problem(response, 409, 'conflict', 'user_exists', `there is a user '${name}' already`);
    const made = user(name, { has_password: false });
    this.users.push(made);
    if (role) this.grants.push(grant(`user:${made.id}`, role, workspace));
    return json(response, { user: made, link: { path: '/#/welcome/ibid_new', expires_at: iso(this.now + 24 * HOUR) } }, 201);
  }

  #page({ after = '0', limit = '100' }) {
    const rest = this.entries.filter((one) => one.number > Number(after));
    const entries = rest.slice(0, Number(limit));
    return { entries, ...(rest.length > entries.length ? { next: entries.at(-1).number } : {}) };
  }

  #verify(response) {
    const broken = this.entries.find((one) => one.hash === '');
    if (broken) return problem(response, 500, 'internal', 'audit_broken', `entry ${broken.number} of the audit log was changed`);
    return json(response, { entries: this.entries.length });
  }
}

const unauthenticated = (code, message) => ({ status: 401, type: 'unauthenticated', code, message });

export function fail(response, { status, type, code, message }) {
  return problem(response, status, type, code, message);
}

function user(name, more = {}) {
  return { id: `u-${name}`, name, created_at: '2026-11-01T08:00:00Z', is_disabled: false, has_password: true, has_second_factor: false, ...more };
}

function grant(holder, role, workspace = undefined) {
  return { holder, name: holder.split('-')[1], role, ...(workspace ? { workspace } : {}) };
}

function key(name, roles, more = {}) {
  return { id: `k-${name}`, name, prefix: 'ibid_a1b2', created_at: '2026-11-02T08:00:00Z', roles, ...more };
}

function session(id, more = {}) {
  const now = Date.now();
  return {
    id, address: '127.0.0.1', device: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    created_at: iso(now - 60 * HOUR), used_at: iso(now), expires_at: iso(now + 600 * HOUR), is_this: false, ...more,
  };
}

function entry(number, at) {
  const [action, subject] = [['sign-in', 'from 127.0.0.1'], ['grant.given', 'user:u-mara editor everywhere'], ['key.made', 'nightly import'], ['request.refused', 'GET /v1/users: user jo may not decide who may what']][number % 4];
  return { number, at: iso(at), actor: number % 3 ? 'user ada' : 'this machine', action, subject, hash: number.toString(16).padStart(64, 'a') };
}
