-- Memory. What is told or found out is in `body`, sealed JSON, as what people say in conversations is; what rows are found by is beside it.
-- `owner` is shared, machine, user:ID or key:ID. Series and ordinal place an episode among others: turn 3 of a thread.
CREATE TABLE episodes (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT, series BLOB, ordinal BIGINT,
  at BIGINT NOT NULL, recorded_at BIGINT NOT NULL, importance DOUBLE PRECISION, archived_at BIGINT, body TEXT NOT NULL);
CREATE INDEX episodes_newest ON episodes(workspace_id, owner, at DESC, id);
CREATE INDEX episodes_series ON episodes(series, ordinal) WHERE series IS NOT NULL;
-- What a sender called it, so that sending it twice is sending it once.
CREATE UNIQUE INDEX episodes_name ON episodes(workspace_id, owner, name) WHERE name IS NOT NULL;

CREATE TABLE entities (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL, created_at BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX entities_owner ON entities(workspace_id, owner, id);

-- One row for each state of a fact: true in the world from valid_from to valid_to, believed from recorded_at to retracted_at. A fact that another
-- interrupts has several at once. `topic` is a hash of subject and relation: of those with the same one, some may end others.
CREATE TABLE facts (
  id BLOB PRIMARY KEY, fact_id BLOB NOT NULL, workspace_id BLOB NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL,
  topic BLOB NOT NULL, subject_id BLOB NOT NULL, object_id BLOB, valid_from BIGINT, valid_to BIGINT, recorded_at BIGINT NOT NULL, retracted_at BIGINT,
  cause TEXT NOT NULL, closed_by BLOB, confidence DOUBLE PRECISION NOT NULL, importance DOUBLE PRECISION NOT NULL,
  sensitivity TEXT NOT NULL, archived_at BIGINT, body TEXT NOT NULL);
CREATE INDEX facts_fact ON facts(fact_id, recorded_at);
CREATE INDEX facts_owner ON facts(workspace_id, owner, recorded_at DESC, id);
CREATE INDEX facts_topic ON facts(topic) WHERE retracted_at IS NULL;
CREATE INDEX facts_subject ON facts(subject_id);
CREATE INDEX facts_object ON facts(object_id) WHERE object_id IS NOT NULL;

CREATE TABLE fact_sources (
  fact_id BLOB NOT NULL, episode_id BLOB NOT NULL, start_byte BIGINT NOT NULL, end_byte BIGINT NOT NULL,
  PRIMARY KEY (fact_id, episode_id, start_byte));
CREATE INDEX fact_sources_episode ON fact_sources(episode_id);

-- Vectors of episodes and of facts as 16-bit floats.
CREATE TABLE memory_vectors (
  id BLOB NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (id, model));

-- When an episode or a fact was last recalled, and how often: what is not used fades.
CREATE TABLE memory_uses (id BLOB PRIMARY KEY, used_at BIGINT NOT NULL, uses BIGINT NOT NULL);

-- What somebody allows to be remembered of them; without a row, what they ask for.
CREATE TABLE consents (owner TEXT PRIMARY KEY, consent TEXT NOT NULL, changed_at BIGINT NOT NULL);

-- What was forgotten: how much of what, never what it said.
CREATE TABLE receipts (
  id BLOB PRIMARY KEY, workspace_id BLOB NOT NULL, owner TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL, signature TEXT NOT NULL);
CREATE INDEX receipts_newest ON receipts(workspace_id, owner, at DESC, id);
