// Wire types of /v1, as crates/api defines them. Names and units are the server's.

export interface Filter {
  documents?: string[];
  tags?: string[];
  languages?: string[];
  path_prefix?: string;
  date_from?: string;
  date_to?: string;
  without_memory?: boolean;
}

export interface Citation {
  number: number;
  document: string;
  version: string;
  chunk: string;
  title: string;
  source: string;
  heading_path: string[];
  page?: number;
  quote: string;
  start_byte: number;
  end_byte: number;
  // Where a memory says it and no document.
  episode?: string;
}

export type Verdict = 'supported' | 'unsupported' | 'not_checkable';

export interface Claim {
  text: string;
  verdict: Verdict;
  citations: number[];
  support: number;
}

export interface Abstention {
  reason: string;
  looked_for: string[];
  nearest: string[];
}

export interface Answer {
  text: string;
  mode: 'extractive' | 'generative';
  model?: string;
  claims: Claim[];
  citations: Citation[];
  abstained?: Abstention;
  coverage?: number;
  confidence: number;
  notices?: string[];
  usage: { prompt_tokens: number; completion_tokens: number };
  took_ms: number;
  // When it was made, where it was made before, for the same question from the same passages.
  kept_at?: string;
}

export interface Failure {
  code: string;
  reason: string;
}

export type DocumentStatus = 'pending' | 'ready' | 'failed';

export interface Version {
  id: string;
  number: number;
  status: DocumentStatus;
  content_hash: string;
  size_bytes: number;
  media_type: string;
  chunk_count: number;
  text_bytes: number;
  page_count?: number;
  warnings?: string[];
  failure?: Failure;
  near_duplicate_of?: string;
  created_at: string;
}

// `holder` is `user:ID`, `group:ID` or `key:ID`.
export interface Reader {
  holder: string;
  name: string;
}

export interface Document {
  id: string;
  workspace: string;
  source: string;
  status: DocumentStatus;
  title: string;
  author?: string;
  language?: string;
  tags: string[];
  // Left out: everybody who reads in the workspace.
  readers?: Reader[];
  date: string;
  created_at: string;
  updated_at: string;
  version?: Version;
}

export interface DocumentsPage {
  documents: Document[];
  total: number;
  next?: string;
}

export interface AcceptedFile {
  source: string;
  outcome: 'queued' | 'unchanged';
  document: string;
  job?: string;
}

export interface Accepted {
  batch: string;
  files: AcceptedFile[];
}

export interface Passage {
  document: Document;
  version: Version;
  heading_path: string[];
  page?: number;
  before: string;
  quote: string;
  after: string;
  start_byte: number;
  text_bytes: number;
}

export interface Job {
  id: string;
  kind: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  subject: string;
  document?: string;
  batch?: string;
  attempts: number;
  step?: string;
  progress: number;
  chunks?: number;
  failure?: Failure;
  unchanged?: boolean;
  near_duplicate_of?: string;
  warnings?: string[];
}

export interface JobCounts {
  queued: number;
  running: number;
  done: number;
  failed: number;
  cancelled: number;
}

export interface JobsPage {
  jobs: Job[];
  counts: JobCounts;
  next?: string;
}

export interface Part {
  rank?: number;
  score: number;
  normalised: number;
  weight: number;
}

export interface Why {
  lexical?: Part;
  dense?: Part;
  feedback?: Part;
  neighbours?: Part;
  links?: Part;
  rerank?: Part;
  terms: string[];
  names?: string[];
  duplicates?: string[];
}

export interface Hit {
  score: number;
  similarity?: number;
  document: string;
  version: string;
  chunk: string;
  title: string;
  source: string;
  heading_path: string[];
  page?: number;
  text: string;
  start_byte: number;
  end_byte: number;
  kind: string;
  date: string;
  language?: string;
  tags: string[];
  why?: Why;
}

export interface Trace {
  mode: string;
  terms: string[];
  language?: string;
  eligible: number;
  total: number;
  lexical_candidates: number;
  dense_candidates: number;
  fusion: string;
  timings: { step: string; us: number }[];
}

export interface SearchResponse {
  hits: Hit[];
  trace?: Trace;
  took_ms: number;
}

export interface Status {
  version: string;
  workspace: string;
  documents: number;
  chunks: number;
  jobs: JobCounts;
  embedder: string;
  chat_models: string[];
  answer_mode: string;
  index_lag: number;
}

export interface Workspace {
  id: string;
  name: string;
  documents: number;
  chunks: number;
}
