-- What chat models cost, summed by day (of UTC, since 1970-01-01), workspace, owner (as of runs; empty for this machine) and model.
CREATE TABLE spend (
  day BIGINT NOT NULL, workspace_id BLOB NOT NULL, owner TEXT NOT NULL, model TEXT NOT NULL, calls BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL, completion_tokens BIGINT NOT NULL, nano_usd BIGINT NOT NULL,
  PRIMARY KEY (day, workspace_id, owner, model));
