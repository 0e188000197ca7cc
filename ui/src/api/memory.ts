// Memory: what was told, what is known of it and since when, and its being forgotten. Wire types of crates/api and a function for
// each endpoint; all of them name the workspace at hand.
// Keeps true: no words that somebody looks for, and no names, stand in an address, which is written down on the way.
import { place } from '../state/place.svelte';
import { changeJson, getJson, postJson, query, send } from './client';

export const MEMORY_KINDS = ['fact', 'insight', 'procedure', 'concept', 'preference'] as const;
export type MemoryKind = (typeof MEMORY_KINDS)[number];
export const ENTITY_KINDS = ['person', 'organisation', 'place', 'event', 'work', 'product', 'concept', 'file', 'symbol', 'commit', 'document', 'other'] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];
export const SENSITIVITIES = ['ordinary', 'personal', 'sensitive'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];
export const CENTRALITIES = ['degree', 'pagerank', 'betweenness'] as const;
export type Centrality = (typeof CENTRALITIES)[number];
export type Consent = 'off' | 'asked' | 'on';

export interface Episode {
  id: string;
  kind: 'turn' | 'note' | 'passage' | 'event';
  shared: boolean;
  text: string;
  speaker?: string;
  at: string;
  recorded_at: string;
  source?: string;
  // Left out until it was read.
  importance?: number;
}

export interface EpisodesPage {
  episodes: Episode[];
  next?: string;
}

export interface Named {
  id: string;
  name: string;
  kind: EntityKind;
}

export interface Entity extends Named {
  aliases?: string[];
  shared: boolean;
  facts: number;
  created_at: string;
}

// `start` and `end` count UTF-8 bytes of the episode's text.
export interface FactSource {
  episode: string;
  start: number;
  end: number;
  quote: string;
  at: string;
  speaker?: string;
}

// One state of a fact.
export interface Fact {
  id: string;
  kind: MemoryKind;
  subject: Named;
  relation: string;
  object?: Named;
  object_text?: string;
  statement: string;
  negated: boolean;
  valid_from?: string;
  valid_to?: string;
  recorded_at: string;
  retracted_at?: string;
  cause: string;
  closed_by?: string;
  confidence: number;
  importance: number;
  sensitivity: Sensitivity;
  archived: boolean;
  shared: boolean;
  sources?: FactSource[];
}

export interface FactsPage {
  facts: Fact[];
  next?: string;
}

export interface FactChange {
  statement?: string;
  kind?: MemoryKind;
  // One that is left out stays, and null opens it.
  valid_from?: string | null;
  valid_to?: string | null;
  importance?: number;
  sensitivity?: Sensitivity;
  archived?: boolean;
  retracted?: boolean;
  overruling?: boolean;
}

export interface Conflict {
  fact: Fact;
  by?: Fact;
}

export interface Remembered {
  episodes: string[];
  job?: string;
  facts?: Fact[];
}

export interface Forgetting {
  fact?: string;
  entity?: string;
  episode?: string;
  from?: string;
  to?: string;
  everything?: boolean;
  shared?: boolean;
}

// What a receipt says, as it was signed.
export interface Forgotten {
  what: string;
  episodes: number;
  episodes_blotted: number;
  facts: number;
  entities: number;
  backups_gone_at?: string;
}

export interface Receipt {
  id: string;
  at: string;
  receipt: Forgotten;
  signature: string;
}

export interface ConsentState {
  consent: Consent;
  changed_at?: string;
}

export interface MemoryStats {
  episodes: number;
  entities: number;
  facts: number;
  conflicts: number;
  consent: Consent;
}

export interface RecallRequest {
  query: string;
  kinds?: ('episode' | 'fact' | 'entity')[];
  valid_at?: string;
  believed_at?: string;
  entity?: string;
  limit?: number;
  explain?: boolean;
}

export interface RecallPart {
  part: string;
  value: number;
  weight: number;
}

export interface RecallHit {
  kind: 'episode' | 'fact' | 'entity';
  score: number;
  episode?: Episode;
  fact?: Fact;
  entity?: Entity;
  why?: RecallPart[];
}

export interface Recalled {
  hits: RecallHit[];
  answerable: number;
  took_ms: number;
}

export interface GraphNode extends Named {
  score: number;
  community?: number;
}

export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  relation: string;
  valid_from?: string;
  valid_to?: string;
  importance: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  truncated: boolean;
}

export interface GraphAsked {
  around?: string | undefined;
  depth?: number | undefined;
  relations?: string | undefined;
  valid_at?: string | undefined;
  believed_at?: string | undefined;
  limit?: number | undefined;
}

export interface PathFound {
  nodes: GraphNode[];
  facts: Fact[];
}

export interface Central {
  by: Centrality;
  nodes: GraphNode[];
  error_bound?: number;
}

export interface Community {
  number: number;
  size: number;
  nodes: GraphNode[];
}

export interface CommunitiesFound {
  communities: Community[];
  modularity: number;
}

type Values = Record<string, string | number | undefined>;

const part = encodeURIComponent;
const inPlace = (values: object = {}) => query({ ...(values as Values), workspace: place.workspace });
const read = <T>(path: string, values: object = {}, signal?: AbortSignal) =>
  getJson<T>(`/v1/memory/${path}${inPlace(values)}`, signal ? { signal } : {});
const change = <T>(method: string, path: string, body: object) => changeJson<T>(method, `/v1/memory/${path}`, { ...body, workspace: place.workspace });

export const facts = (
  values: { kind?: string; entity?: string; valid_at?: string; believed_at?: string; archived?: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
) => read<FactsPage>('facts', values, signal);
export const factStates = async (id: string) => (await read<{ states: Fact[] }>(`facts/${part(id)}`)).states;
export const changeFact = (id: string, asked: FactChange) => change<Fact>('PATCH', `facts/${part(id)}`, asked);
export const conflicts = async () => (await read<{ conflicts: Conflict[] }>('conflicts')).conflicts;

export const episodes = (values: { kind?: string; from?: string; to?: string; limit?: number; cursor?: string }, signal?: AbortSignal) =>
  read<EpisodesPage>('episodes', values, signal);

export const episode = (id: string) => read<Episode>(`episodes/${encodeURIComponent(id)}`, {});

// A text that somebody writes down, and what was found in it.
export const remember = (text: string, shared: boolean) =>
  change<Remembered>('POST', 'episodes', { episodes: [{ text, kind: 'note', zone: zone() }], shared, wait: true });

// Days in what is written are days where it is written.
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export async function recall(asked: RecallRequest, signal?: AbortSignal): Promise<Recalled> {
  const response = await postJson('/v1/memory/recall', { ...asked, workspace: place.workspace }, signal);
  return (await response.json()) as Recalled;
}

export const entities = (values: { kind?: string; limit?: number }) => read<{ entities: Entity[]; total: number }>('entities', values);
export const changeEntity = (id: string, asked: { name?: string; kind?: EntityKind; aliases?: string[] }) =>
  change<Entity>('PATCH', `entities/${part(id)}`, asked);
export const timeline = async (id: string) => (await read<{ states: Fact[] }>(`entities/${part(id)}/timeline`)).states;

export const forget = (what: Forgetting) => change<Receipt>('POST', 'forget', what);
export const receipts = async () => (await read<{ receipts: Receipt[] }>('receipts')).receipts;
export const stats = () => read<MemoryStats>('stats');
export const consent = () => getJson<ConsentState>('/v1/memory/consent');
export const changeConsent = (wanted: Consent) => changeJson<ConsentState>('PUT', '/v1/memory/consent', { consent: wanted });
export const exported = async () => (await send(`/v1/memory/export${inPlace({ format: 'jsonl' })}`)).blob();

export const graph = (asked: GraphAsked, signal?: AbortSignal) => read<Graph>('graph', asked, signal);
export const graphPath = (asked: { from: string; to: string; relations?: string | undefined; valid_at?: string | undefined; believed_at?: string | undefined }) =>
  read<PathFound>('graph/path', asked);
export const central = (asked: { by: Centrality; valid_at?: string | undefined; believed_at?: string | undefined; limit?: number }) =>
  read<Central>('graph/central', asked);
export const communities = (asked: { valid_at?: string | undefined; believed_at?: string | undefined }) => read<CommunitiesFound>('graph/communities', asked);
