//! API keys: random, stored as hashes, recognised by their first characters.

use ibid_seal::secret::{self, Kind, has_hash, hash, random_secret};
use ibid_types::access::{Granted, Holder};
use ibid_types::{Error, KeyId, Result, Secret, Timestamp};

use crate::statements::no_rows_is;
use crate::{Row, Statement, Store};

/// A key's last use is written down at most this often.
pub const USED_EVERY_MS: i64 = 60_000;
/// Changes nothing of what a key is or may.
pub const KEY_USED: &str = "UPDATE keys SET last_used_at = $2 WHERE id = $1";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub name: String,
    pub prefix: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// Lets nobody in from then on.
    pub expires_at: Option<Timestamp>,
}

impl Key {
    /// Whether its last use was written down a short while ago.
    pub fn is_use_noted(&self, now: Timestamp) -> bool {
        self.last_used_at.is_some_and(|last| now.0 - last.0 < USED_EVERY_MS)
    }

    /// Whether it lets nobody in any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|over| over <= now)
    }
}

impl Store {
    /// A new key with what is granted to it, and its secret, which is not kept.
    pub fn key_create(
        &self,
        name: &str,
        granted: Granted,
        expires_at: Option<Timestamp>,
    ) -> Result<(Key, Secret)> {
        let secret = random_secret(Kind::Key)?;
        let prefix = secret::prefix(secret.reveal()).to_owned();
        let key = Key {
            id: KeyId::new(),
            name: name.to_owned(),
            prefix,
            created_at: self.now(),
            last_used_at: None,
            expires_at,
        };
        let sql = "INSERT INTO keys (id, name, prefix, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let params = vec![
            key.id.into(),
            name.into(),
            key.prefix.as_str().into(),
            hash(secret.reveal()).to_vec().into(),
            key.created_at.into(),
            expires_at.into(),
        ];
        let grant = self.grant_statement(Holder::Key(key.id), granted);
        self.db.batch(vec![Statement::new(sql, params), grant])?;
        Ok((key, secret))
    }

    /// The key with this secret. It is found by the hash of 256 random bits, so the time of the look-up tells nothing
    /// that helps to guess one; the hash is then compared in constant time.
    pub fn key_verify(&self, secret: &str) -> Result<Option<Key>> {
        let Some(mut key) = self.key_find(secret)? else { return Ok(None) };
        self.note_use(&mut key)?;
        Ok(Some(key))
    }

    /// The same without counting as a use of it.
    pub fn key_find(&self, secret: &str) -> Result<Option<Key>> {
        let sql = format!(
            "SELECT {COLUMNS}, hash FROM keys WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
        );
        let rows = self.db.query(&sql, &[hash(secret).to_vec().into(), self.now().into()])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let stored: Vec<u8> = row.get(6)?;
        if has_hash(secret, &stored) { read_key(row).map(Some) } else { Ok(None) }
    }

    /// One that lets somebody in now.
    pub fn key_by_id(&self, id: KeyId) -> Result<Option<Key>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM keys WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
        );
        self.db.query(&sql, &[id.into(), self.now().into()])?.first().map(read_key).transpose()
    }

    fn note_use(&self, key: &mut Key) -> Result<()> {
        let now = self.now();
        if key.is_use_noted(now) {
            return Ok(());
        }
        self.db.batch(vec![Statement::new(KEY_USED, vec![key.id.into(), now.into()])])?;
        key.last_used_at = Some(now);
        Ok(())
    }

    pub fn key_list(&self) -> Result<Vec<Key>> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE revoked_at IS NULL ORDER BY id");
        self.db.query(&sql, &[])?.iter().map(read_key).collect()
    }

    /// Revokes the key at once.
    pub fn key_revoke(&self, id: KeyId) -> Result<()> {
        let sql = "UPDATE keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        let revoke = Statement::new(sql, vec![id.into(), self.now().into()]).expecting(1);
        let grants = "DELETE FROM grants WHERE holder_kind = 'key' AND holder_id = $1";
        let unknown = || Error::not_found("key_unknown", format!("there is no key {id}"));
        let batch = vec![revoke, Statement::new(grants, vec![id.into()])];
        self.db.batch(batch).map(drop).map_err(no_rows_is(unknown))
    }
}

const COLUMNS: &str = "id, name, prefix, created_at, last_used_at, expires_at";

fn read_key(row: &Row) -> Result<Key> {
    Ok(Key {
        id: row.get(0)?,
        name: row.get(1)?,
        prefix: row.get(2)?,
        created_at: row.get(3)?,
        last_used_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}
