// People: who asks, signing in and out, accounts and what they may do, and the audit log. Names and shapes are the server's.
import type { Proof } from './factors';
import { changeJson, getJson, once, problem, query, send, sendJson } from './client';

export type Permission = 'enter' | 'read' | 'converse' | 'edit' | 'build' | 'see' | 'operate' | 'audit' | 'administer' | 'own';
export type RoleName = 'owner' | 'admin' | 'editor' | 'reader' | 'operator' | 'auditor';

export interface Me {
  kind: 'user' | 'key' | 'machine';
  name: string;
  session?: string;
  everywhere: Permission[];
  workspaces: { name: string; permissions: Permission[] }[];
}

export interface Session {
  id: string;
  address: string;
  device: string;
  created_at: string;
  used_at: string;
  expires_at: string;
  is_this: boolean;
}

export interface User {
  id: string;
  name: string;
  created_at: string;
  signed_in_at?: string;
  is_disabled: boolean;
  has_password: boolean;
  has_second_factor: boolean;
}

// What the page must ask for; `passkey_host` and `provider` are left out where they cannot sign anybody in.
export interface Door {
  is_first_run: boolean;
  passkey_host?: string;
  provider?: string;
}

// A one-time link; `path` goes after the server's address.
export interface Link {
  path: string;
  expires_at: string;
}

export interface Group {
  id: string;
  name: string;
  members: string[];
}

// `holder` is `user:ID`, `group:ID` or `key:ID`; without a workspace the role holds everywhere.
export interface Grant {
  holder: string;
  name: string;
  role: RoleName;
  workspace?: string;
}

export interface Key {
  id: string;
  name: string;
  prefix: string;
  created_at: string;
  last_used_at?: string;
  expires_at?: string;
  roles: string[];
  // Only where it was just made.
  key?: string;
}

export interface AuditEntry {
  number: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  hash: string;
}

export interface AuditPage {
  entries: AuditEntry[];
  next?: number;
}

// A role, and where it is to hold.
export interface Granted {
  role: RoleName;
  workspace?: string;
}

const remove = async (path: string): Promise<void> => void (await send(path, { method: 'DELETE' }));
const part = encodeURIComponent;

export const me = () => getJson<Me>('/v1/auth/me');
export const door = () => getJson<Door>('/v1/auth/door');

// Whom the key stands for, or without one the session that this browser has. Never waits at the door.
export async function probe(key: string | null): Promise<Me> {
  const response = await once('/v1/auth/me', {}, key);
  if (!response.ok) throw problem(response.status, await response.text());
  return (await response.json()) as Me;
}

export const signIn = (asked: { name: string; password: string; code?: string }) => changeJson<Me>('POST', '/v1/auth/sign-in', asked);
export const signInAtProvider = (code: string) => changeJson<Me>('POST', '/v1/auth/oidc/code', { code });
export const signOut = async (): Promise<void> => void (await send('/v1/auth/sign-out', { method: 'POST' }));
export const useLink = (asked: { token: string; name?: string; password: string; code?: string }) => changeJson<Me>('POST', '/v1/auth/link', asked);
export const changePassword = (former: string, password: string) => changeJson<Me>('POST', '/v1/auth/password', { former, password });
export const sessions = () => getJson<Session[]>('/v1/auth/sessions');
// Without a proof the one that asks.
export const endSession = async (id: string, proof: Proof | null): Promise<void> =>
  void (await sendJson('DELETE', `/v1/auth/sessions/${part(id)}`, proof ?? {}));
export const endSessions = async (proof: Proof): Promise<void> => void (await sendJson('DELETE', '/v1/auth/sessions', proof));
export const endAllSessions = () => remove('/v1/auth/sessions/all');

export const users = () => getJson<User[]>('/v1/users');
export const addUser = (asked: { name: string } & Partial<Granted>) => changeJson<{ user: User; link: Link }>('POST', '/v1/users', asked);
export const newLink = (user: string) => changeJson<Link>('POST', '/v1/auth/links', { user });
export const deleteUser = (id: string) => remove(`/v1/users/${part(id)}`);
export const resetFactors = (id: string) => remove(`/v1/users/${part(id)}/factors`);
export const keepOut = async (id: string, isOut: boolean): Promise<void> =>
  void (await sendJson('PATCH', `/v1/users/${part(id)}`, { is_disabled: isOut }));

export const groups = () => getJson<Group[]>('/v1/groups');
export const addGroup = (name: string) => changeJson<Group>('POST', '/v1/groups', { name });
export const deleteGroup = (id: string) => remove(`/v1/groups/${part(id)}`);
export const addMember = async (id: string, user: string): Promise<void> =>
  void (await send(`/v1/groups/${part(id)}/members/${part(user)}`, { method: 'PUT' }));
export const removeMember = (id: string, user: string) => remove(`/v1/groups/${part(id)}/members/${part(user)}`);

export const grants = () => getJson<Grant[]>('/v1/grants');
export const grant = async (holder: string, granted: Granted): Promise<void> => void (await sendJson('PUT', '/v1/grants', { holder, ...granted }));
export const endGrant = (holder: string, workspace?: string) => remove(`/v1/grants${query({ holder, workspace })}`);

export const keys = () => getJson<Key[]>('/v1/keys');
export const addKey = (asked: { name: string; expires_at?: string } & Granted) => changeJson<Key>('POST', '/v1/keys', asked);
export const revokeKey = (id: string) => remove(`/v1/keys/${part(id)}`);

export const audit = (after: number, limit: number) => getJson<AuditPage>(`/v1/audit${query({ after, limit })}`);
export const verifyAudit = () => getJson<{ entries: number }>('/v1/audit/verify');
