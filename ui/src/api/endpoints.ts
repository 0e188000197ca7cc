// The endpoints that the page uses, a function each. All of them name the workspace at hand.
import { place } from '../state/place.svelte';
import { changeJson, getJson, postForm, postJson, query, send } from './client';
import type {
  Accepted,
  Document,
  DocumentsPage,
  Filter,
  JobsPage,
  Passage,
  SearchResponse,
  Status,
  Version,
  Workspace,
} from './types';

export interface Span {
  document: string;
  version: string;
  start_byte: number;
  end_byte: number;
}

export async function search(
  request: { query: string; mode: string; filter: Filter; limit: number; explain: boolean },
  signal: AbortSignal,
): Promise<SearchResponse> {
  const response = await postJson('/v1/search', { ...request, workspace: place.workspace }, signal);
  return (await response.json()) as SearchResponse;
}

export const status = () => getJson<Status>(`/v1/status${inPlace()}`);
export const workspaces = () => getJson<Workspace[]>('/v1/workspaces');

export const documents = (
  values: { status?: string; text?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => (values.text ? found(values, signal) : getJson<DocumentsPage>(`/v1/documents${inPlace(values)}`, signal ? { signal } : {}));

// What is looked for is sent as a body: addresses are written down on the way.
async function found(values: object, signal?: AbortSignal): Promise<DocumentsPage> {
  const response = await postJson('/v1/documents/find', { ...values, workspace: place.workspace }, signal);
  return (await response.json()) as DocumentsPage;
}

export const document = (id: string) => getJson<Document>(`${documentPath(id)}${inPlace()}`);
export const versions = (id: string) => getJson<Version[]>(`${documentPath(id)}/versions${inPlace()}`);

// Each `user:NAME`, `group:NAME` or `key:NAME`, or with an id in the name's place; none: everybody.
export const changeReaders = (id: string, readers: string[]) => changeJson<Document>('PATCH', `${documentPath(id)}${inPlace()}`, { readers });

export async function deleteDocument(id: string): Promise<void> {
  await send(`${documentPath(id)}${inPlace()}`, { method: 'DELETE' });
}

// All uploads of one batch are followed together.
export async function upload(batch: string, form: FormData, onSent: (bytes: number) => void): Promise<Accepted> {
  return JSON.parse(await postForm(`/v1/documents${inPlace({ batch })}`, form, onSent)) as Accepted;
}

export function passage(span: Span, contextBytes: number): Promise<Passage> {
  const values = inPlace({ start_byte: span.start_byte, end_byte: span.end_byte, context_bytes: contextBytes });
  return getJson(`${documentPath(span.document)}/versions/${encodeURIComponent(span.version)}/passage${values}`);
}

export const jobs = (batch: string) => getJson<JobsPage>(`/v1/jobs${query({ batch, limit: 1000 })}`);
export const jobEvents = (batch: string, signal: AbortSignal) => send(`/v1/jobs/events${query({ batch })}`, { signal });

// The original's address, of the very version that is quoted where one is named; a PDF opens at its page.
export function contentPath(id: string, version?: string, page?: number): string {
  return `${documentPath(id)}/content${inPlace({ version })}${page ? `#page=${page}` : ''}`;
}

function documentPath(id: string): string {
  return `/v1/documents/${encodeURIComponent(id)}`;
}

export function inPlace(values: Record<string, string | number | undefined> = {}): string {
  return query({ workspace: place.workspace, ...values });
}
