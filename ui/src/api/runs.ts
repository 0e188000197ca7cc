// Runs, checkpoints, approvals and flows: wire types as crates/api defines them, and a function for each endpoint.
import { changeJson, getJson, send, sendJson } from './client';
import { inPlace } from './endpoints';
import { place } from '../state/place.svelte';
import type { Failure } from './types';
import type { RunStatus, Turn } from './threads';

export interface Spent {
  steps: number;
  prompt_tokens: number;
  completion_tokens: number;
  money: number;
}

export interface Approval {
  run: string;
  interrupt: number;
  flow: string;
  node: string;
  prompt: string;
  schema: unknown;
  asked_at: string;
  expires_at?: string;
}

export interface Run {
  id: string;
  workspace: string;
  flow: string;
  flow_version: string;
  status: RunStatus;
  nodes: string[];
  checkpoint: number;
  thread?: string;
  forked_from?: { run: string; checkpoint: number };
  output?: unknown;
  failure?: Failure;
  approvals?: Approval[];
  wakes_at?: string;
  spent: Spent;
  created_at: string;
  updated_at: string;
  finished_at?: string;
}

export interface RunsPage {
  runs: Run[];
  next?: string;
}

export interface Checkpoint {
  number: number;
  at: string;
  kind: string;
  node?: string;
  bytes: number;
}

export interface CheckpointsPage {
  checkpoints: Checkpoint[];
  next?: string;
}

export interface CheckpointState {
  checkpoint: Checkpoint;
  command: unknown;
  channels: Record<string, unknown>;
  state: unknown;
}

export interface Difference {
  path: string;
  left?: unknown;
  right?: unknown;
}

export interface Replayed {
  run: string;
  checkpoints: number;
  equal: boolean;
  differs_at?: number;
  differences?: Difference[];
}

export interface RunDiff {
  left: string;
  right: string;
  common: number;
  first: Difference[];
  last: Difference[];
}

export interface RunStatistics {
  runs: Record<string, number>;
  checkpoints: number;
  checkpoint_bytes: number;
  values: number;
  value_bytes: number;
}

export interface StepEvent {
  node: string;
  kind: string;
  state: 'started' | 'finished' | 'failed' | 'waiting' | 'restarted';
  attempt: number;
  detail: string;
}

export interface TokenEvent {
  node: string;
  text: string;
  replace?: boolean;
}

export interface DoneEvent {
  run: Run;
  turn?: Turn;
}

export interface FlowNode {
  name: string;
  kind: string;
  next: string[];
}

export interface Flow {
  name: string;
  description: string;
  version: string;
  built_in: boolean;
  nodes: FlowNode[];
}

export interface FlowsPage {
  flows: Flow[];
  // Files that hold no valid flow, and why.
  broken?: { name: string; message: string }[];
}

export interface FlowDetail {
  flow: Flow;
  source: string;
  mermaid: string;
}

export interface FlowProblem {
  line: number;
  column: number;
  severity: 'error' | 'warning';
  message: string;
}

export interface Validated {
  valid: boolean;
  problems: FlowProblem[];
  mermaid?: string;
}

const CHECKPOINTS_LIMIT = 200;

export const list = (values: { flow?: string; status?: string; limit?: number; cursor?: string }, signal?: AbortSignal) =>
  getJson<RunsPage>(`/v1/runs${inPlace(values)}`, signal ? { signal } : {});

export const start = (flow: string, input: unknown) => changeJson<Run>('POST', '/v1/runs', { flow, input, workspace: place.workspace });
export const read = (id: string) => getJson<Run>(path(id));
export const statistics = () => getJson<RunStatistics>('/v1/runs/statistics');

// What happened after the event `after`; all of it without one.
export function events(id: string, after: string | null, signal: AbortSignal): Promise<Response> {
  return send(path(id, 'events'), { signal, ...(after ? { headers: { 'last-event-id': after } } : {}) });
}

export const checkpoints = (id: string, cursor?: string) =>
  getJson<CheckpointsPage>(path(id, 'checkpoints', { limit: CHECKPOINTS_LIMIT, cursor }));

export const stateAt = (id: string, number: number) => getJson<CheckpointState>(path(id, `checkpoints/${number}`));
export const resume = (id: string) => sendJson('POST', path(id, 'resume'), {});
export const cancel = (id: string) => sendJson('POST', path(id, 'cancel'), {});
export const remove = (id: string) => send(path(id), { method: 'DELETE' });
export const replay = (id: string) => changeJson<Replayed>('POST', path(id, 'replay'), {});
export const diff = (id: string, other: string) => getJson<RunDiff>(path(id, `diff/${encodeURIComponent(other)}`));

export const fork = (id: string, request: { checkpoint: number; changes: Record<string, unknown>; flow?: string }) =>
  changeJson<Run>('POST', path(id, 'fork'), request);

export const answer = (approval: Approval, value: unknown) =>
  sendJson('POST', path(approval.run, 'answer'), { interrupt: approval.interrupt, value });

export const approvals = () => getJson<{ approvals: Approval[]; next?: string }>(`/v1/approvals${inPlace()}`);

export const flows = () => getJson<FlowsPage>('/v1/flows');
// The version that a run goes by.
export const flowOf = (run: string) => getJson<FlowDetail>(path(run, 'flow'));
export const flow = (name: string) => getJson<FlowDetail>(`/v1/flows/${encodeURIComponent(name)}`);
export const saveFlow = (name: string, source: string) => sendJson('PUT', `/v1/flows/${encodeURIComponent(name)}`, { source });

export async function validateFlow(source: string, signal: AbortSignal): Promise<Validated> {
  const response = await sendJson('POST', '/v1/flows/validate', { source }, { signal });
  return (await response.json()) as Validated;
}

function path(id: string, rest = '', values: Record<string, string | number | undefined> = {}): string {
  return `/v1/runs/${encodeURIComponent(id)}${rest ? `/${rest}` : ''}${inPlace(values)}`;
}
