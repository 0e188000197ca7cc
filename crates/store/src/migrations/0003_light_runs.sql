-- A step of a run is one commit, and what a commit costs is the pages that it touches: so the rows of runs live in the
-- tree of their key, and the end of a run is in one index until its checkpoints are thinned.
CREATE TABLE runs_light (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, flow_hash BLOB NOT NULL, flow_name TEXT NOT NULL, status TEXT NOT NULL,
  idempotency_key TEXT, thread_id BLOB, forked_from BLOB, forked_at BIGINT, wake_at BIGINT, asks BIGINT NOT NULL,
  failure_code TEXT, lease_owner TEXT, lease_until BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
  finished_at BIGINT, thinned_at BIGINT) WITHOUT ROWID;
INSERT INTO runs_light SELECT id, workspace_id, flow_hash, flow_name, status, idempotency_key, thread_id, forked_from,
  forked_at, wake_at, asks, failure_code, lease_owner, lease_until, created_at, updated_at, finished_at, thinned_at FROM runs;
DROP TABLE runs;
ALTER TABLE runs_light RENAME TO runs;
CREATE UNIQUE INDEX runs_key ON runs(workspace_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_newest ON runs(workspace_id, id);
CREATE INDEX runs_open ON runs(lease_until) WHERE status IN ('running', 'undoing');
CREATE INDEX runs_due ON runs(wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_asking ON runs(id) WHERE asks > 0;
CREATE INDEX runs_thread ON runs(thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX runs_unthinned ON runs(finished_at) WHERE finished_at IS NOT NULL AND thinned_at IS NULL;
CREATE INDEX runs_thinned ON runs(finished_at) WHERE thinned_at IS NOT NULL;

CREATE TABLE checkpoints_light (
  run_id BLOB NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, node TEXT, body BLOB NOT NULL,
  PRIMARY KEY (run_id, number)) WITHOUT ROWID;
INSERT INTO checkpoints_light SELECT run_id, number, at, kind, node, body FROM checkpoints;
DROP TABLE checkpoints;
ALTER TABLE checkpoints_light RENAME TO checkpoints;

CREATE TABLE run_values_light (run_id BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (run_id, hash)) WITHOUT ROWID;
INSERT INTO run_values_light SELECT run_id, hash FROM run_values;
DROP TABLE run_values;
ALTER TABLE run_values_light RENAME TO run_values;
CREATE INDEX run_values_hash ON run_values(hash);
