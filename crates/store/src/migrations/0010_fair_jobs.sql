-- Who waits for a job, workspace by workspace, so that each gets its turn.
CREATE INDEX jobs_of_workspace ON jobs(kind, workspace_id, run_at, id) WHERE state = 'queued';
