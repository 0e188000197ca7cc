//! With what somebody signs in besides the password: authenticator app, recovery codes, passkeys, accounts elsewhere.
//!
//! Keeps true: the app's secret is in a sealed column; a code of the app counts once; whoever loses the last factor has no
//! recovery codes either.

use ibid_types::{Error, Result, Secret, Timestamp, UserId};

use crate::sealing::SealedColumn;
use crate::statements::no_rows_is;
use crate::users::user_unknown;
use crate::{Row, Statement, Store};

/// What an authenticator app shares with us.
#[derive(Clone, Debug)]
pub struct Totp {
    /// As its owner wrote it.
    pub secret: Secret,
    /// The step of the last code that was right.
    pub step_used: i64,
}

/// A passkey as it is stored: what it is made of is its owner's to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRow {
    pub id: Vec<u8>,
    pub user: UserId,
    pub name: String,
    /// As JSON.
    pub passkey: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

const PASSKEY_COLUMNS: &str = "id, user_id, name, passkey, created_at, used_at";

impl Store {
    pub fn totp(&self, user: UserId) -> Result<Option<Totp>> {
        let sql =
            "SELECT totp, totp_step FROM users WHERE id = $1 AND totp IS NOT NULL AND deleted_at IS NULL";
        let rows = self.db.query(sql, &[user.into()])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let secret = SealedColumn::Totp.open(self.sealer(), user.as_bytes(), &row.get::<String>(0)?)?;
        Ok(Some(Totp { secret: Secret::new(secret), step_used: row.get(1)? }))
    }

    /// An app, whose code of that step was right, or none any more.
    pub fn totp_set(&self, user: UserId, totp: Option<&Totp>) -> Result<()> {
        let seal = |totp: &Totp| {
            SealedColumn::Totp.seal(self.sealer(), user.as_bytes(), totp.secret.reveal()).map(Some)
        };
        let sealed = totp.map_or(Ok(None), seal)?;
        let sql = "UPDATE users SET totp = $2, totp_step = $3 WHERE id = $1 AND deleted_at IS NULL";
        let step = totp.map_or(0, |totp| totp.step_used);
        let change = Statement::new(sql, vec![user.into(), sealed.into(), step.into()]).expecting(1);
        let unknown = || user_unknown(user);
        self.db.batch(vec![change, without_last(user)]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Whether nobody used a code of that step or of a later one before.
    pub fn totp_use(&self, user: UserId, step: i64) -> Result<bool> {
        let sql = "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
        was_one(self.db.batch(vec![Statement::new(sql, vec![user.into(), step.into()]).expecting(1)]))
    }

    /// Hashes of the codes that are left, as their owner wrote them.
    pub fn recovery(&self, user: UserId) -> Result<String> {
        let rows = self.db.query("SELECT recovery FROM users WHERE id = $1", &[user.into()])?;
        rows.first().map_or_else(|| Err(user_unknown(user)), |row| row.get(0))
    }

    /// Whether the codes were still the former ones, which are replaced.
    pub fn recovery_set(&self, user: UserId, former: &str, recovery: &str) -> Result<bool> {
        let sql = "UPDATE users SET recovery = $3 WHERE id = $1 AND recovery = $2 AND deleted_at IS NULL";
        let params = vec![user.into(), former.into(), recovery.into()];
        was_one(self.db.batch(vec![Statement::new(sql, params).expecting(1)]))
    }

    /// Error: `passkey_exists`.
    pub fn passkey_add(&self, user: UserId, id: &[u8], name: &str, passkey: &str) -> Result<()> {
        let sql = "INSERT INTO passkeys (id, user_id, name, passkey, created_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (id) DO NOTHING";
        let params = vec![id.to_vec().into(), user.into(), name.into(), passkey.into(), self.now().into()];
        let taken = || Error::conflict("passkey_exists", "this passkey belongs to an account already");
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(drop).map_err(no_rows_is(taken))
    }

    pub fn passkey_find(&self, id: &[u8]) -> Result<Option<PasskeyRow>> {
        let sql = format!("SELECT {PASSKEY_COLUMNS} FROM passkeys WHERE id = $1");
        self.db.query(&sql, &[id.to_vec().into()])?.first().map(read_passkey).transpose()
    }

    pub fn passkey_list(&self, user: UserId) -> Result<Vec<PasskeyRow>> {
        let sql =
            format!("SELECT {PASSKEY_COLUMNS} FROM passkeys WHERE user_id = $1 ORDER BY created_at, id");
        self.db.query(&sql, &[user.into()])?.iter().map(read_passkey).collect()
    }

    /// Whether nobody used the passkey meanwhile; then it is as it is after its use.
    pub fn passkey_use(&self, id: &[u8], former: &str, passkey: &str) -> Result<bool> {
        let sql = "UPDATE passkeys SET passkey = $3, used_at = $4 WHERE id = $1 AND passkey = $2";
        let params = vec![id.to_vec().into(), former.into(), passkey.into(), self.now().into()];
        was_one(self.db.batch(vec![Statement::new(sql, params).expecting(1)]))
    }

    /// Error: `passkey_unknown`.
    pub fn passkey_remove(&self, user: UserId, id: &[u8]) -> Result<()> {
        let sql = "DELETE FROM passkeys WHERE id = $1 AND user_id = $2";
        let remove = Statement::new(sql, vec![id.to_vec().into(), user.into()]).expecting(1);
        let unknown = || Error::not_found("passkey_unknown", "the account has no such passkey");
        self.db.batch(vec![remove, without_last(user)]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Takes all factors besides the password away.
    pub fn factors_remove(&self, user: UserId) -> Result<()> {
        let sql = "UPDATE users SET totp = NULL, totp_step = 0 WHERE id = $1 AND deleted_at IS NULL";
        let change = Statement::new(sql, vec![user.into()]).expecting(1);
        let keys = Statement::new("DELETE FROM passkeys WHERE user_id = $1", vec![user.into()]);
        let unknown = || user_unknown(user);
        self.db.batch(vec![change, keys, without_last(user)]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Whose account at a provider this is.
    pub fn identity_find(&self, issuer: &str, subject: &str) -> Result<Option<UserId>> {
        let sql = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
        self.db.query(sql, &[issuer.into(), subject.into()])?.first().map(|row| row.get(0)).transpose()
    }

    /// Errors: `identity_exists`.
    pub fn identity_add(&self, issuer: &str, subject: &str, user: UserId) -> Result<()> {
        let sql = "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (issuer, subject) DO NOTHING";
        let params = vec![issuer.into(), subject.into(), user.into(), self.now().into()];
        let taken =
            || Error::conflict("identity_exists", "that account of the provider is somebody's already");
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(drop).map_err(no_rows_is(taken))
    }

    /// What tokens are signed with, as its owner wrote it.
    pub fn signing_keys(&self) -> Result<Option<Secret>> {
        let rows =
            self.db.query("SELECT keys FROM signing_keys WHERE id = $1", &[THE_ONE.to_vec().into()])?;
        let Some(row) = rows.first() else { return Ok(None) };
        SealedColumn::SigningKeys
            .open(self.sealer(), THE_ONE, &row.get::<String>(0)?)
            .map(Secret::new)
            .map(Some)
    }

    pub fn signing_keys_set(&self, keys: &Secret) -> Result<()> {
        let sealed = SealedColumn::SigningKeys.seal(self.sealer(), THE_ONE, keys.reveal())?;
        let sql = "INSERT INTO signing_keys (id, keys) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET keys = excluded.keys";
        self.db.batch(vec![Statement::new(sql, vec![THE_ONE.to_vec().into(), sealed.into()])]).map(drop)
    }
}

/// The id of the only row of signing keys.
const THE_ONE: &[u8] = &[0];

/// Recovery codes replace a factor; without one there is nothing to replace.
fn without_last(user: UserId) -> Statement {
    let sql = "UPDATE users SET recovery = '[]' WHERE id = $1 AND totp IS NULL \
               AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1)";
    Statement::new(sql, vec![user.into()])
}

/// Whether a statement that expects one row met it.
fn was_one<T>(outcome: Result<T>) -> Result<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.code == "store_conflict" => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_passkey(row: &Row) -> Result<PasskeyRow> {
    Ok(PasskeyRow {
        id: row.get(0)?,
        user: row.get(1)?,
        name: row.get(2)?,
        passkey: row.get(3)?,
        created_at: row.get(4)?,
        used_at: row.get(5)?,
    })
}
