-- People, the groups that they are in, and what was granted to whom. A workspace of zeros stands for everywhere.
CREATE TABLE users (
  id BLOB PRIMARY KEY, name TEXT NOT NULL, password TEXT, totp TEXT, totp_step BIGINT NOT NULL DEFAULT 0,
  recovery TEXT NOT NULL DEFAULT '[]', failures BIGINT NOT NULL DEFAULT 0, locked_until BIGINT, created_at BIGINT NOT NULL,
  signed_in_at BIGINT, disabled_at BIGINT, deleted_at BIGINT);
CREATE UNIQUE INDEX users_name ON users(name) WHERE deleted_at IS NULL;

CREATE TABLE user_groups (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL);

CREATE TABLE group_members (
  group_id BLOB NOT NULL, user_id BLOB NOT NULL, PRIMARY KEY (group_id, user_id));
CREATE INDEX group_members_user ON group_members(user_id);

CREATE TABLE grants (
  holder_kind TEXT NOT NULL, holder_id BLOB NOT NULL, workspace_id BLOB NOT NULL, role TEXT NOT NULL,
  created_at BIGINT NOT NULL, PRIMARY KEY (holder_kind, holder_id, workspace_id));

CREATE TABLE sessions (
  id BLOB PRIMARY KEY, user_id BLOB NOT NULL, hash BLOB NOT NULL UNIQUE, former_hash BLOB, address TEXT NOT NULL,
  device TEXT NOT NULL, created_at BIGINT NOT NULL, renewed_at BIGINT NOT NULL, used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL, ended_at BIGINT);
CREATE INDEX sessions_user ON sessions(user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_former ON sessions(former_hash) WHERE former_hash IS NOT NULL;
CREATE INDEX sessions_over ON sessions(expires_at);

-- Whoever held a key before there were roles could do all that an administrator can.
ALTER TABLE keys ADD COLUMN expires_at BIGINT;
INSERT INTO grants (holder_kind, holder_id, workspace_id, role, created_at)
  SELECT 'key', id, x'00000000000000000000000000000000', 'admin', created_at FROM keys WHERE revoked_at IS NULL;

-- Links that let somebody in once: to set a password, or, without a user, to make the first account.
CREATE TABLE sign_in_links (hash BLOB PRIMARY KEY, user_id BLOB, expires_at BIGINT NOT NULL);

-- Who began a conversation or a run: user:ID or key:ID; nobody where it was the machine's own command line.
ALTER TABLE threads ADD COLUMN owner TEXT;
ALTER TABLE runs ADD COLUMN owner TEXT;
