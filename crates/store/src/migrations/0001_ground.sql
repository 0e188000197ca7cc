CREATE TABLE workspaces (
  id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL);

CREATE TABLE documents (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL REFERENCES workspaces(id), source TEXT NOT NULL,
  status TEXT NOT NULL, current_version BLOB, title TEXT NOT NULL, author TEXT, language TEXT, tags TEXT NOT NULL,
  date BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT);
CREATE UNIQUE INDEX documents_source ON documents(workspace_id, source) WHERE deleted_at IS NULL;
CREATE INDEX documents_newest ON documents(workspace_id, updated_at DESC, id);
CREATE INDEX documents_deleted ON documents(deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE versions (
  id BLOB PRIMARY KEY, document_id BLOB NOT NULL REFERENCES documents(id), number BIGINT NOT NULL, status TEXT NOT NULL,
  content BLOB NOT NULL, size_bytes BIGINT NOT NULL, media_type TEXT NOT NULL, chunk_count BIGINT NOT NULL,
  text_bytes BIGINT NOT NULL, page_count BIGINT, warnings TEXT NOT NULL, failure_code TEXT, failure_reason TEXT,
  near_duplicate_of BLOB, created_at BIGINT NOT NULL, UNIQUE (document_id, number));
CREATE INDEX versions_content ON versions(content);

CREATE TABLE signatures (
  document_id BLOB NOT NULL, workspace_id BLOB NOT NULL, band BIGINT NOT NULL, value BIGINT NOT NULL,
  signature BIGINT NOT NULL, PRIMARY KEY (document_id, band));
CREATE INDEX signatures_value ON signatures(workspace_id, band, value);

CREATE TABLE chunks (
  id BLOB PRIMARY KEY, document_id BLOB NOT NULL, version_id BLOB NOT NULL, ordinal BIGINT NOT NULL,
  start_byte BIGINT NOT NULL, end_byte BIGINT NOT NULL, start_char BIGINT NOT NULL, pages TEXT NOT NULL,
  heading_path TEXT NOT NULL, kind TEXT NOT NULL, tokens BIGINT NOT NULL, text TEXT NOT NULL);
CREATE UNIQUE INDEX chunks_place ON chunks(version_id, ordinal);

CREATE TABLE embeddings (
  chunk_id BLOB NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (chunk_id, model));

CREATE TABLE feed (
  position INTEGER PRIMARY KEY AUTOINCREMENT, workspace_id BLOB NOT NULL, kind TEXT NOT NULL, key BLOB NOT NULL);

CREATE TABLE jobs (
  id BLOB PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, workspace_id BLOB, document_id BLOB, subject TEXT NOT NULL,
  batch TEXT, payload TEXT NOT NULL, progress TEXT, result TEXT, failure_code TEXT, failure_reason TEXT,
  attempts BIGINT NOT NULL, attempts_max BIGINT NOT NULL, run_at BIGINT NOT NULL, lease_owner TEXT, lease_token BLOB,
  lease_until BIGINT, created_at BIGINT NOT NULL, finished_at BIGINT);
CREATE INDEX jobs_due ON jobs(kind, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs(lease_until) WHERE state = 'running';
CREATE INDEX jobs_batch ON jobs(batch, id);
CREATE INDEX jobs_document ON jobs(document_id);

CREATE TABLE keys (
  id BLOB PRIMARY KEY, name TEXT NOT NULL, prefix TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, created_at BIGINT NOT NULL,
  last_used_at BIGINT, revoked_at BIGINT);

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
