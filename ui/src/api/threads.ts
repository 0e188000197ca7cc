// Threads, turns and what people think of an answer: wire types as crates/api defines them, and a function for each endpoint.
import { changeJson, getJson, postJson, send, sendJson } from './client';
import { inPlace } from './endpoints';
import { place } from '../state/place.svelte';
import type { Answer, Failure, Filter } from './types';

export interface Thread {
  id: string;
  workspace: string;
  title: string;
  turns: number;
  summary?: string;
  created_at: string;
  updated_at: string;
}

export interface ThreadsPage {
  threads: Thread[];
  next?: string;
}

export type Quality = 'quick' | 'balanced' | 'thorough';

export interface TurnRequest {
  question: string;
  mode?: 'auto' | 'extractive' | 'generative';
  model?: string;
  quality?: Quality;
  filter?: Filter;
  items?: number;
  citations?: number;
  tokens?: number;
  temperature?: number;
  // Asks anew, also where an answer is kept.
  fresh?: boolean;
}

export type RunStatus = 'running' | 'waiting' | 'undoing' | 'finished' | 'failed' | 'cancelled';

export interface Taken {
  question: string;
  route: string;
  loops: number;
}

export interface Feedback {
  rating: number;
  reason?: string;
  correction?: string;
  at: string;
}

export interface Turn {
  id: string;
  thread: string;
  number: number;
  run: string;
  question: string;
  status: RunStatus;
  answer?: Answer;
  taken?: Taken;
  failure?: Failure;
  feedback?: Feedback;
  created_at: string;
  finished_at?: string;
}

export interface TurnsPage {
  turns: Turn[];
  next?: string;
}

// A thread with more turns than this is shown from its beginning only.
const TURN_PAGES_MAX = 20;
const TURNS_LIMIT = 100;

export const list = (values: { text?: string; limit?: number; cursor?: string }, signal?: AbortSignal) =>
  values.text ? found(values, signal) : getJson<ThreadsPage>(`/v1/threads${inPlace(values)}`, signal ? { signal } : {});

// What is looked for is sent as a body: addresses are written down on the way.
async function found(values: object, signal?: AbortSignal): Promise<ThreadsPage> {
  const response = await postJson('/v1/threads/find', { ...values, workspace: place.workspace }, signal);
  return (await response.json()) as ThreadsPage;
}

export const create = () => changeJson<Thread>('POST', '/v1/threads', { workspace: place.workspace });
export const read = (id: string) => getJson<Thread>(path(id));
export const rename = (id: string, title: string) => changeJson<Thread>('PATCH', path(id), { title });

export async function remove(id: string): Promise<void> {
  await send(path(id), { method: 'DELETE' });
}

// A new thread with the turns up to this one.
export const fork = (id: string, turn: number) => changeJson<Thread>('POST', path(id, 'fork'), { turn });

// All turns of a thread, oldest first.
export async function turns(id: string): Promise<Turn[]> {
  const found: Turn[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < TURN_PAGES_MAX; page += 1) {
    const got = await getJson<TurnsPage>(path(id, 'turns', { limit: TURNS_LIMIT, cursor }));
    found.push(...got.turns);
    cursor = got.next;
    if (!cursor) break;
  }
  return found.sort((a, b) => a.number - b.number);
}

// The events of the turn's run. The same key never asks twice.
export function ask(id: string, request: TurnRequest, key: string, signal: AbortSignal): Promise<Response> {
  return sendJson('POST', path(id, 'turns'), { ...request, stream: true }, { signal, headers: { 'idempotency-key': key } });
}

export const rate = (turn: string, feedback: { rating: number; reason?: string; correction?: string }) =>
  sendJson('PUT', `/v1/turns/${encodeURIComponent(turn)}/feedback${inPlace()}`, feedback);

function path(id: string, rest = '', values: Record<string, string | number | undefined> = {}): string {
  return `/v1/threads/${encodeURIComponent(id)}${rest ? `/${rest}` : ''}${inPlace(values)}`;
}
