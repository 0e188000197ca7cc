//! Links that let somebody in once.
//!
//! Keeps true: a link's secret is kept as its hash; it works once and for a day; a new one for the same account ends the
//! former one.

use ibid_seal::secret::{Kind, hash, random_secret};
use ibid_types::{Error, Result, Secret, Timestamp, UserId};

use crate::statements::no_rows_is;
use crate::{Statement, Store};

const LIFE_MS: i64 = 24 * 3_600_000;

impl Store {
    /// A link for somebody, or for whoever makes the first account; with its end.
    pub fn link_make(&self, user: Option<UserId>) -> Result<(Secret, Timestamp)> {
        let (secret, now) = (random_secret(Kind::Link)?, self.now());
        let until = now.plus_ms(LIFE_MS);
        let former = match user {
            Some(user) => Statement::new("DELETE FROM sign_in_links WHERE user_id = $1", vec![user.into()]),
            None => Statement::new("DELETE FROM sign_in_links WHERE user_id IS NULL", vec![]),
        };
        let over = Statement::new("DELETE FROM sign_in_links WHERE expires_at < $1", vec![now.into()]);
        let sql = "INSERT INTO sign_in_links (hash, user_id, expires_at) VALUES ($1, $2, $3)";
        let params = vec![hash(secret.reveal()).to_vec().into(), user.into(), until.into()];
        self.db.batch(vec![former, over, Statement::new(sql, params)])?;
        Ok((secret, until))
    }

    /// For whom a link is that works: `Some(None)` makes the first account.
    pub fn link_find(&self, secret: &str) -> Result<Option<Option<UserId>>> {
        let sql = "SELECT user_id FROM sign_in_links WHERE hash = $1 AND expires_at > $2";
        let rows = self.db.query(sql, &[hash(secret).to_vec().into(), self.now().into()])?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    /// Uses it up. Error: `link_over`, also where somebody else was faster.
    pub fn link_use(&self, secret: &str) -> Result<()> {
        let sql = "DELETE FROM sign_in_links WHERE hash = $1 AND expires_at > $2";
        let params = vec![hash(secret).to_vec().into(), self.now().into()];
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(drop).map_err(no_rows_is(link_over))
    }
}

/// What a link that does not work is answered with.
pub fn link_over() -> Error {
    let what =
        "the link does not work: it was used, is over, or was replaced; `ibid auth link` makes another";
    Error::unauthenticated("link_over", what)
}
