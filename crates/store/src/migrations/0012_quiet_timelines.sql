-- What the timelines of incidents had of the audit log is either an act on the server or about people and documents, which not
-- everybody may read who looks after a server.
UPDATE incident_events SET kind = 'access' WHERE kind = 'change' AND (
  text LIKE 'refused %' OR text LIKE 'sign-in%' OR text LIKE 'account.%' OR text LIKE 'password.%' OR text LIKE 'second-factor.%'
  OR text LIKE 'question.%' OR text LIKE '% /v1/auth%' OR text LIKE '% /v1/documents%');
