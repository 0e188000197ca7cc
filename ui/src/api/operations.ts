// The operations of a server: metrics over time, alerts, objectives, incidents, backups, findings, runbooks. Wire types of
// crates/api and a function for each endpoint.
import { clockwork } from '../state/clockwork.svelte';
import { problem, query, send, sendJson, unreachable } from './client';
import { readEvents } from './sse';

export interface Point {
  // Seconds since 1970, the end of the step.
  at: number;
  value: number | null;
}

export interface Line {
  label: string;
  points: Point[];
}

export interface Series {
  name: string;
  how: string;
  step: number;
  lines: Line[];
}

export type Severity = 'critical' | 'warning' | 'info';

export interface Alert {
  number: number;
  rule: string;
  subject: string;
  severity: Severity;
  summary: string;
  runbook: string;
  value: number;
  fired_at: string;
  resolved_at: string | null;
  acknowledged_by: string | null;
  silenced: boolean;
  incident: number | null;
}

export interface PendingAlert {
  rule: string;
  subject: string;
  severity: Severity;
  summary: string;
  value: number;
  hold_seconds: number;
}

export interface Silence {
  number: number;
  rule: string;
  subject: string;
  reason: string;
  by: string;
  until: string;
}

export interface AlertsPage {
  alerts: Alert[];
  // Servers before this one do not tell them.
  pending?: PendingAlert[];
  silences: Silence[];
  next: number | null;
}

export interface AlertRule {
  name: string;
  severity: Severity;
  expression: string;
  hold_seconds: number;
  summary: string;
  runbook: string;
  priority: number | null;
  is_firing: boolean;
}

export interface Delivery {
  receiver: string;
  outcome: string;
}

export interface Objective {
  name: string;
  promise: string;
  target: number;
  good: number | null;
  budget_left: number | null;
  burn: number | null;
}

export type IncidentState = 'open' | 'acknowledged' | 'resolved' | 'closed';

export interface Incident {
  number: number;
  priority: number;
  title: string;
  state: IncidentState;
  rule: string | null;
  runbook: string;
  roles: Record<string, string>;
  message: string | null;
  opened_at: string;
  respond_by: string | null;
  is_late: boolean;
  acknowledged_at: string | null;
  resolved_at: string | null;
  closed_at: string | null;
}

export interface IncidentEvent {
  number: number;
  at: string;
  kind: string;
  who: string;
  text: string;
}

export interface IncidentDetail {
  incident: Incident;
  events: IncidentEvent[];
  alerts: Alert[];
  templates: Record<string, string>;
}

export interface IncidentsPage {
  incidents: Incident[];
  next: number | null;
}

export interface IncidentChange {
  by: string;
  note?: string;
  kind?: string;
  state?: IncidentState;
  priority?: number;
  role?: string;
  person?: string;
  message?: string;
}

export interface Finding {
  area: string;
  state: 'ok' | 'note' | 'problem';
  code: string;
  what: string;
  fix: string;
}

export interface RunbookEntry {
  name: string;
  title: string;
  steps: number;
}

// The last round of a kind of work that comes back.
export interface Round {
  task: string;
  at: string;
  took_ms: number;
  result: string;
  failure: string | null;
  rounds: number;
  failed: number;
}

export interface Tasks {
  tasks: { name: string; state: 'running' | 'ended' | 'panicked' }[];
  rounds: Round[];
}

export interface Failure {
  // Milliseconds since 1970, as every time of backups.
  at: number;
  code: string;
  reason: string;
}

export interface Destination {
  label: string;
  is_reachable: boolean;
  last_success_at: number | null;
  waiting_segments: number;
  waiting_bytes: number;
  behind_ms: number;
  failures: number;
  last_failure: Failure | null;
  needs_base: boolean;
  uploaded_bytes: number;
}

export interface BackupStatus {
  generation: string;
  commit: number;
  commit_at: number;
  base_at: number | null;
  is_base_running: boolean;
  failures: number;
  last_failure: Failure | null;
  spool_bytes: number;
  destinations: Destination[];
}

// Moments that can be restored, from one to another.
export interface Stretch {
  generation: string;
  from_commit: number;
  from: number;
  to_commit: number;
  to: number;
  bases: number;
  segments: number;
  bytes: number;
}

export interface Held {
  destination: string;
  stretches: Stretch[];
}

// How far a verification is with a destination.
export interface Progress {
  destination: string;
  what: string;
  done: number;
  all: number;
}

// A destination that could not be read.
export interface Unread {
  destination: string;
  failure: { code: string; reason: string };
}

// What is to come back into the living library, and from which moment.
export interface Part {
  to: string;
  only: string;
  dry_run: boolean;
}

export interface Back {
  is_dry_run: boolean;
  commit: number;
  at: number;
  documents: number;
  threads: number;
  runs: number;
  turns_away: number;
  originals_missing: number;
  items: { kind: string; id: string; name: string; is_there: boolean }[];
  failures: { kind: string; id: string; code: string; reason: string }[];
}

export interface BaseMade {
  commit: number;
  at: number;
  bytes: number;
  originals: number;
  bytes_new: number;
  destinations: string[];
}

export interface Verified {
  destination: string;
  objects: number;
  bytes: number;
  commits: number;
  damages: { object: string; code: string; reason: string }[];
  last_commit: number;
  last_at: number;
}

export interface Drill {
  at: number;
  is_passed: boolean;
  failures: string[];
  commit: number;
  commit_at: number;
  rpo_ms: number;
  rto_ms: number;
  restored_ms: number;
  opened_ms: number;
  database_bytes: number;
  originals: number;
  originals_missing: number;
  questions: { is_found: boolean; is_exact: boolean }[];
}

// Every answer also tells how the server's clock stands, by which its deadlines count.
async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await send(`/v1/ops${path}`, init);
  clockwork.heard(response.headers.get('date'));
  return response;
}

async function read<T>(path: string): Promise<T> {
  return (await (await ask(path)).json()) as T;
}

async function change<T>(method: string, path: string, body: unknown): Promise<T> {
  const response = await sendJson(method, `/v1/ops${path}`, body);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const series = (values: Record<string, string | number | undefined>) => read<Series>(`/series${query(values)}`);

export const alerts = (before?: number) => read<AlertsPage>(`/alerts${query({ limit: 50, before })}`);
export const alertRules = () => read<AlertRule[]>('/alert-rules');
export const acknowledge = (number: number, by: string) => change<void>('POST', `/alerts/${number}/acknowledge`, { by });
export const silence = (asked: { rule: string; subject: string; minutes: number; reason: string; by: string }) =>
  change<Silence>('POST', '/silences', asked);
export const endSilence = (number: number) => ask(`/silences/${number}`, { method: 'DELETE' });
export const testReceivers = () => change<Delivery[]>('POST', '/alerts/test', {});
export const objectives = () => read<Objective[]>('/slo');

export const incidents = (before?: number) => read<IncidentsPage>(`/incidents${query({ limit: 50, before })}`);
export const incident = (number: string) => read<IncidentDetail>(`/incidents/${encodeURIComponent(number)}`);
export const openIncident = (asked: { title: string; priority: number; runbook: string; by: string }) =>
  change<Incident>('POST', '/incidents', asked);
export const changeIncident = (number: number, asked: IncidentChange) =>
  change<IncidentDetail>('POST', `/incidents/${number}/events`, asked);
export const review = async (number: number) => (await ask(`/incidents/${number}/review`)).text();

// Whoever looks every minute leaves out what reads the whole library or asks others.
export const findings = () => read<Finding[]>('/doctor?quick=true');
export const findingsOfAll = () => read<Finding[]>('/doctor');
export const tasks = () => read<Tasks>('/tasks');
export const runbooks = () => read<RunbookEntry[]>('/runbooks');
export const runbook = async (name: string) => (await ask(`/runbooks/${encodeURIComponent(name)}`)).text();

export const backupStatus = () => read<BackupStatus>('/backups/status');
export const held = async () => (await read<{ destinations: (Held | Unread)[] }>('/backups')).destinations;
export const makeBase = () => change<BaseMade>('POST', '/backups', {});

// Verifies every destination, for however long it takes; tells how far it is.
export async function verifyBackups(far: (progress: Progress) => void): Promise<(Verified | Unread)[]> {
  const all: (Verified | Unread)[] = [];
  for await (const event of readEvents(await ask('/backups/verify/events'))) {
    if (event.name === 'progress') far(JSON.parse(event.data) as Progress);
    if (event.name === 'verified') all.push(JSON.parse(event.data) as Verified | Unread);
    if (event.name === 'error') throw problem(500, event.data);
    if (event.name === 'done') return all;
  }
  throw unreachable();
}

export const isUnread = (one: Held | Verified | Unread): one is Unread => 'failure' in one;
export const restorePart = (part: Part) => change<Back>('POST', '/restores', part);
export const drills = async () => (await read<{ drills: Drill[] }>('/drills')).drills;
export const drillReportPath = (at: number) => `/v1/ops/drills/report${query({ at })}`;
export const drill = () => change<Drill>('POST', '/drills', {});
