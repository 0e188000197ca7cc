-- Answers of chat models that may be given again: `shape` is a hash of all that shapes an answer besides the question and its
-- passages, `evidence` one of the passages. Question and answer are sealed as those of turns are.
CREATE TABLE kept_answers (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, shape BLOB NOT NULL, evidence BLOB NOT NULL, run_id BLOB, question TEXT NOT NULL,
  answer TEXT NOT NULL, made_at BIGINT NOT NULL, used_at BIGINT NOT NULL);
CREATE INDEX kept_answers_evidence ON kept_answers(evidence);
CREATE INDEX kept_answers_used ON kept_answers(used_at);
CREATE INDEX kept_answers_run ON kept_answers(run_id) WHERE run_id IS NOT NULL;

-- The passages that a kept answer was made of, so that it goes when one of their documents does.
CREATE TABLE kept_passages (
  kept_id BLOB NOT NULL REFERENCES kept_answers(id) ON DELETE CASCADE, chunk_id BLOB NOT NULL, document_id BLOB NOT NULL,
  PRIMARY KEY (kept_id, chunk_id));
CREATE INDEX kept_passages_chunk ON kept_passages(chunk_id);
CREATE INDEX kept_passages_document ON kept_passages(document_id);
