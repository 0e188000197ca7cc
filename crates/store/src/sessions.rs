//! Who is signed in, and where.
//!
//! Keeps true: a session's secret is kept as its hash; it is renewed as it is used, and the former one ends soon after; one
//! that was ended, is over or belongs to somebody who was kept out lets nobody in.

use ibid_seal::secret::{Kind, hash, random_secret};
use ibid_types::{Error, Result, Secret, SessionId, Timestamp, UserId};

use crate::statements::no_rows_is;
use crate::users::END_SESSIONS;
use crate::{Row, Statement, Store};

/// A session that nobody uses ends after this, and every one after `LIFE_MS`.
const IDLE_MS: i64 = 7 * 24 * 3_600_000;
const LIFE_MS: i64 = 30 * 24 * 3_600_000;
/// The secret is another one after this.
const RENEWED_EVERY_MS: i64 = 24 * 3_600_000;
/// Requests that are on their way while it changes may still come with the former one.
const FORMER_MS: i64 = 60_000;
/// A use is written down at most this often.
const USED_EVERY_MS: i64 = 60_000;

const COLUMNS: &str =
    "id, user_id, address, device, created_at, renewed_at, used_at, expires_at, second_factor";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// From where it was begun.
    pub address: String,
    /// What the browser said of itself.
    pub device: String,
    pub created_at: Timestamp,
    pub renewed_at: Timestamp,
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    /// Whether a second factor was shown when it began, here or at the sign-in provider.
    pub has_second_factor: bool,
}

impl Store {
    /// A session, and its secret, which is not kept.
    pub fn session_begin(
        &self,
        user: UserId,
        address: &str,
        device: &str,
        has_second_factor: bool,
    ) -> Result<(Session, Secret)> {
        let (secret, now) = (random_secret(Kind::Session)?, self.now());
        let session = Session {
            id: SessionId::new(),
            user,
            address: address.to_owned(),
            device: device.to_owned(),
            created_at: now,
            renewed_at: now,
            used_at: now,
            expires_at: now.plus_ms(LIFE_MS),
            has_second_factor,
        };
        let sql = "INSERT INTO sessions (id, user_id, hash, address, device, created_at, renewed_at, used_at, expires_at, \
                   second_factor) VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8)";
        let params = vec![
            session.id.into(),
            user.into(),
            hash(secret.reveal()).to_vec().into(),
            address.into(),
            device.into(),
            now.into(),
            session.expires_at.into(),
            i64::from(has_second_factor).into(),
        ];
        self.db.batch(vec![Statement::new(sql, params)])?;
        Ok((session, secret))
    }

    /// The session with this secret, and another secret where it is time for one.
    pub fn session_verify(&self, secret: &str) -> Result<Option<(Session, Option<Secret>)>> {
        let (hash, now) = (hash(secret).to_vec(), self.now());
        let sql = format!(
            "SELECT {COLUMNS}, hash FROM sessions WHERE (hash = $1 OR former_hash = $1 AND renewed_at > $2) \
             AND ended_at IS NULL AND expires_at > $3 AND used_at > $4 AND EXISTS (SELECT 1 FROM users u WHERE u.id = user_id \
             AND u.deleted_at IS NULL AND u.disabled_at IS NULL)"
        );
        let params =
            [hash.clone().into(), now.plus_ms(-FORMER_MS).into(), now.into(), now.plus_ms(-IDLE_MS).into()];
        let rows = self.db.query(&sql, &params)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (session, newest): (Session, Vec<u8>) = (read(row)?, row.get(9)?);
        if newest == hash && now.0 - session.renewed_at.0 >= RENEWED_EVERY_MS {
            let renewed = self.session_renew(session.id, &hash, now)?;
            return Ok(Some((session, renewed)));
        }
        if now.0 - session.used_at.0 >= USED_EVERY_MS {
            let sql = "UPDATE sessions SET used_at = $2 WHERE id = $1";
            self.db.batch(vec![Statement::new(sql, vec![session.id.into(), now.into()])])?;
        }
        Ok(Some((session, None)))
    }

    /// Nothing where another request was faster.
    fn session_renew(&self, id: SessionId, former: &[u8], now: Timestamp) -> Result<Option<Secret>> {
        let secret = random_secret(Kind::Session)?;
        let sql = "UPDATE sessions SET hash = $3, former_hash = $2, renewed_at = $4, used_at = $4 WHERE id = $1 AND hash = $2";
        let params =
            vec![id.into(), former.to_vec().into(), hash(secret.reveal()).to_vec().into(), now.into()];
        let outcome = self.db.batch(vec![Statement::new(sql, params).expecting(1)]);
        match outcome {
            Ok(_) => Ok(Some(secret)),
            Err(error) if error.code == "store_conflict" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Those that are not over, of one or of all users, the last used first.
    pub fn session_list(&self, user: Option<UserId>) -> Result<Vec<Session>> {
        let now = self.now();
        let filter = if user.is_some() { "AND user_id = $3" } else { "" };
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE ended_at IS NULL AND expires_at > $1 AND used_at > $2 {filter} \
             ORDER BY used_at DESC, id"
        );
        let mut params = vec![now.into(), now.plus_ms(-IDLE_MS).into()];
        params.extend(user.map(Into::into));
        self.db.query(&sql, &params)?.iter().map(read).collect()
    }

    /// Ends one of a user's. Error: `session_unknown`.
    pub fn session_end(&self, user: UserId, id: SessionId) -> Result<()> {
        let sql = "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
        let params = vec![id.into(), user.into(), self.now().into()];
        let unknown = || Error::not_found("session_unknown", format!("there is no session {id}"));
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Ends the one with this secret, where there is one.
    pub fn session_leave(&self, secret: &str) -> Result<()> {
        let sql =
            "UPDATE sessions SET ended_at = $2 WHERE (hash = $1 OR former_hash = $1) AND ended_at IS NULL";
        let params = vec![hash(secret).to_vec().into(), self.now().into()];
        self.db.batch(vec![Statement::new(sql, params)]).map(drop)
    }

    /// Ends all of a user, or of everybody.
    pub fn sessions_end(&self, user: Option<UserId>) -> Result<()> {
        let now = self.now();
        let statement = match user {
            Some(user) => Statement::new(END_SESSIONS, vec![user.into(), now.into()]),
            None => {
                Statement::new("UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL", vec![now.into()])
            }
        };
        self.db.batch(vec![statement]).map(drop)
    }

    /// Removes what is over; says how many.
    pub fn sessions_cleanup(&self) -> Result<u64> {
        let now = self.now();
        let sql = "DELETE FROM sessions WHERE expires_at < $1 OR ended_at < $2 OR used_at < $2";
        let params = vec![now.into(), now.plus_ms(-IDLE_MS).into()];
        Ok(self.db.batch(vec![Statement::new(sql, params)])?.rows_affected.iter().sum())
    }
}

fn read(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user: row.get(1)?,
        address: row.get(2)?,
        device: row.get(3)?,
        created_at: row.get(4)?,
        renewed_at: row.get(5)?,
        used_at: row.get(6)?,
        expires_at: row.get(7)?,
        has_second_factor: row.get::<i64>(8)? != 0,
    })
}
