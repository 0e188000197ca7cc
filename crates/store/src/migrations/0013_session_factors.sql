-- Whether somebody showed a second factor when the session began, here or at the sign-in provider.
ALTER TABLE sessions ADD COLUMN second_factor BIGINT NOT NULL DEFAULT 0;
