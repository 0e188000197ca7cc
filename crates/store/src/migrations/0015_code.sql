-- What was read of repositories: for each, what the updates changed, one after another. `body` is sealed; packed JSON inside. What holds from
-- `basis` on is all that is known: now and then everything is written anew under a new basis, and what came before is deleted.
CREATE TABLE code_segments (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, repository BLOB NOT NULL, basis BIGINT NOT NULL, ordinal BIGINT NOT NULL,
  bytes BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX code_segments_order ON code_segments(workspace_id, repository, ordinal, basis, bytes);
