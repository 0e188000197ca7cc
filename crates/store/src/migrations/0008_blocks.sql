-- Addresses that are not answered: an administrator blocked them, or they guessed too often.
CREATE TABLE blocks (
  network TEXT PRIMARY KEY, reason TEXT NOT NULL, made_by TEXT NOT NULL, created_at BIGINT NOT NULL, until BIGINT);
