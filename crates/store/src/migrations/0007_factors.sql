-- Passkeys, accounts at sign-in providers, what tokens are signed with, and who may read a document.
CREATE TABLE passkeys (
  id BLOB PRIMARY KEY, user_id BLOB NOT NULL, name TEXT NOT NULL, passkey TEXT NOT NULL, created_at BIGINT NOT NULL,
  used_at BIGINT);
CREATE INDEX passkeys_user ON passkeys(user_id);

CREATE TABLE identities (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, user_id BLOB NOT NULL, created_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject));
CREATE INDEX identities_user ON identities(user_id);

-- One row, of the id that is zero.
CREATE TABLE signing_keys (id BLOB PRIMARY KEY, keys TEXT NOT NULL);

-- Holders as user:ID or group:ID, one a line; none: everybody who reads in the workspace.
ALTER TABLE documents ADD COLUMN readers TEXT;
