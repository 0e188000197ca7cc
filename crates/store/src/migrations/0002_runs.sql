CREATE TABLE flows (
  hash BLOB PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, created_at BIGINT NOT NULL);

CREATE TABLE flow_names (
  name TEXT NOT NULL, since BIGINT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (name, since));

CREATE TABLE runs (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, flow_hash BLOB NOT NULL, flow_name TEXT NOT NULL, status TEXT NOT NULL,
  idempotency_key TEXT, thread_id BLOB, forked_from BLOB, forked_at BIGINT, wake_at BIGINT, asks BIGINT NOT NULL,
  failure_code TEXT, lease_owner TEXT, lease_until BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
  finished_at BIGINT, thinned_at BIGINT);
CREATE UNIQUE INDEX runs_key ON runs(workspace_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_newest ON runs(workspace_id, id);
CREATE INDEX runs_open ON runs(lease_until) WHERE status IN ('running', 'undoing');
CREATE INDEX runs_due ON runs(wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_asking ON runs(id) WHERE asks > 0;
CREATE INDEX runs_thread ON runs(thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX runs_ended ON runs(finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_unthinned ON runs(finished_at) WHERE finished_at IS NOT NULL AND thinned_at IS NULL;

CREATE TABLE checkpoints (
  run_id BLOB NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, node TEXT, body BLOB NOT NULL,
  PRIMARY KEY (run_id, number));

CREATE TABLE flow_values (hash BLOB PRIMARY KEY, body BLOB NOT NULL);

CREATE TABLE run_values (run_id BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (run_id, hash));
CREATE INDEX run_values_hash ON run_values(hash);

CREATE TABLE threads (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, title TEXT NOT NULL, summary TEXT, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL, deleted_at BIGINT);
CREATE INDEX threads_newest ON threads(workspace_id, updated_at DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX threads_deleted ON threads(deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE turns (
  id BLOB PRIMARY KEY, thread_id BLOB NOT NULL REFERENCES threads(id), number BIGINT NOT NULL, run_id BLOB NOT NULL,
  question TEXT NOT NULL, options TEXT NOT NULL, status TEXT NOT NULL, answer TEXT, failure_code TEXT,
  failure_reason TEXT, created_at BIGINT NOT NULL, finished_at BIGINT, UNIQUE (thread_id, number));
CREATE INDEX turns_run ON turns(run_id);

CREATE TABLE feedback (
  run_id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, rating BIGINT NOT NULL, reason TEXT, correction TEXT,
  at BIGINT NOT NULL);
CREATE INDEX feedback_newest ON feedback(workspace_id, at DESC, run_id);
