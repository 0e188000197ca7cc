-- What was done to the library and its server, and by whom. Only added to; each entry's hash covers the one before it.
CREATE TABLE audit (
  number BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  hash BLOB NOT NULL);
CREATE INDEX audit_at ON audit(at);
