//! What somebody allows to be remembered of them.

use ibid_types::memory::{Consent, Owner};
use ibid_types::{Result, Timestamp};

use super::parsed;
use crate::{Statement, Store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentRow {
    pub consent: Consent,
    pub changed_at: Timestamp,
}

/// What they said once, where nothing is known of it any more.
#[must_use]
pub fn consent_insert(owner: Owner, row: &ConsentRow) -> Statement {
    let sql = "INSERT INTO consents (owner, consent, changed_at) VALUES ($1, $2, $3) ON CONFLICT (owner) DO NOTHING";
    Statement::new(sql, vec![owner.to_string().into(), row.consent.name().into(), row.changed_at.into()])
}

impl Store {
    /// None where they never said.
    pub fn consent(&self, owner: Owner) -> Result<Option<ConsentRow>> {
        let sql = "SELECT consent, changed_at FROM consents WHERE owner = $1";
        let rows = self.db.query(sql, &[owner.to_string().into()])?;
        rows.first()
            .map(|row| Ok(ConsentRow { consent: parsed(row, 0)?, changed_at: row.get(1)? }))
            .transpose()
    }

    pub fn consent_set(&self, owner: Owner, consent: Consent) -> Result<()> {
        let sql = "INSERT INTO consents (owner, consent, changed_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (owner) DO UPDATE SET consent = excluded.consent, changed_at = excluded.changed_at";
        let params = vec![owner.to_string().into(), consent.name().into(), self.now().into()];
        self.db.batch(vec![Statement::new(sql, params)]).map(drop)
    }
}
