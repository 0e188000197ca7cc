-- Alerts that fire or fired, what silences them, and incidents with what happened in them. What is told of them waits in
-- the queue of jobs.
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL,
  summary TEXT NOT NULL, runbook TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, began_at BIGINT NOT NULL,
  fired_at BIGINT NOT NULL, resolved_at BIGINT, acknowledged_at BIGINT, acknowledged_by TEXT, told TEXT NOT NULL,
  incident BIGINT);
CREATE UNIQUE INDEX alerts_firing ON alerts(rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_resolved ON alerts(resolved_at) WHERE resolved_at IS NOT NULL;

CREATE TABLE silences (
  number INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
  made_by TEXT NOT NULL, made_at BIGINT NOT NULL, until_at BIGINT NOT NULL);
CREATE INDEX silences_until ON silences(until_at);

CREATE TABLE incidents (
  number INTEGER PRIMARY KEY AUTOINCREMENT, priority BIGINT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL,
  rule TEXT, runbook TEXT NOT NULL, roles TEXT NOT NULL, message TEXT, opened_at BIGINT NOT NULL, respond_by BIGINT,
  late_at BIGINT, acknowledged_at BIGINT, resolved_at BIGINT, closed_at BIGINT);
CREATE INDEX incidents_open ON incidents(number) WHERE closed_at IS NULL;

CREATE TABLE incident_events (
  incident BIGINT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY (incident, number));
