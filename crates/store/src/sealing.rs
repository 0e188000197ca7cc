//! What people and answers say, what is remembered of it, and the secrets of sign-in, in sealed columns: the store writes and reads them through a sealer that its owner gives.
//!
//! Keeps true: a sealed text opens only in its own column and beside its own run, thread, user or kept answer, so that rows cannot be
//! exchanged; copies of a turn in a fork keep their run, and so their texts as they are. An empty text stays empty.

use ibid_types::Result;

use crate::{Row, Statement, Store};

/// Makes texts unreadable to whoever has the files alone.
pub trait Sealer: std::fmt::Debug + Send + Sync {
    /// Whether new texts are encrypted, so that SQL cannot search them.
    fn is_sealing(&self) -> bool;
    /// The stored form of a text, bound to a place.
    fn seal_text(&self, place: &[u8], text: &str) -> Result<String>;
    /// Undoes `seal_text` for what any earlier configuration stored.
    ///
    /// # Errors
    /// `checkpoint_key_missing` where the key of that time is not there.
    fn open_text(&self, place: &[u8], stored: &str) -> Result<String>;
    /// The text as it would be stored today, or nothing if it is so already.
    fn reseal_text(&self, place: &[u8], stored: &str) -> Result<Option<String>>;
}

/// Stores texts as they are.
#[derive(Clone, Copy, Debug)]
pub struct Unsealed;

impl Sealer for Unsealed {
    fn is_sealing(&self) -> bool {
        false
    }

    fn seal_text(&self, _place: &[u8], text: &str) -> Result<String> {
        Ok(text.to_owned())
    }

    fn open_text(&self, _place: &[u8], stored: &str) -> Result<String> {
        Ok(stored.to_owned())
    }

    fn reseal_text(&self, _place: &[u8], _stored: &str) -> Result<Option<String>> {
        Ok(None)
    }
}

/// A column of sealed texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    Title,
    Summary,
    Question,
    Options,
    Answer,
    FailureReason,
    Reason,
    Correction,
    Totp,
    SigningKeys,
    KeptQuestion,
    KeptAnswer,
    Episode,
    Entity,
    Fact,
    Code,
}

impl SealedColumn {
    pub const ALL: [Self; 16] = [
        Self::Title,
        Self::Summary,
        Self::Question,
        Self::Options,
        Self::Answer,
        Self::FailureReason,
        Self::Reason,
        Self::Correction,
        Self::Totp,
        Self::SigningKeys,
        Self::KeptQuestion,
        Self::KeptAnswer,
        Self::Episode,
        Self::Entity,
        Self::Fact,
        Self::Code,
    ];

    /// Table, key, the id that texts are bound to, and the column itself.
    const fn names(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Title => ("threads", "id", "id", "title"),
            Self::Summary => ("threads", "id", "id", "summary"),
            Self::Question => ("turns", "id", "run_id", "question"),
            Self::Options => ("turns", "id", "run_id", "options"),
            Self::Answer => ("turns", "id", "run_id", "answer"),
            Self::FailureReason => ("turns", "id", "run_id", "failure_reason"),
            Self::Reason => ("feedback", "run_id", "run_id", "reason"),
            Self::Correction => ("feedback", "run_id", "run_id", "correction"),
            Self::Totp => ("users", "id", "id", "totp"),
            Self::SigningKeys => ("signing_keys", "id", "id", "keys"),
            Self::KeptQuestion => ("kept_answers", "id", "id", "question"),
            Self::KeptAnswer => ("kept_answers", "id", "id", "answer"),
            Self::Episode => ("episodes", "id", "id", "body"),
            Self::Entity => ("entities", "id", "id", "body"),
            Self::Fact => ("facts", "id", "id", "body"),
            Self::Code => ("code_segments", "id", "id", "body"),
        }
    }

    fn place(self, owner: &[u8]) -> Vec<u8> {
        let (table, _, _, column) = self.names();
        [owner, table.as_bytes(), b".", column.as_bytes()].concat()
    }

    pub(crate) fn seal(self, sealer: &dyn Sealer, owner: &[u8], text: &str) -> Result<String> {
        if text.is_empty() { Ok(String::new()) } else { sealer.seal_text(&self.place(owner), text) }
    }

    pub(crate) fn open(self, sealer: &dyn Sealer, owner: &[u8], stored: &str) -> Result<String> {
        if stored.is_empty() { Ok(String::new()) } else { sealer.open_text(&self.place(owner), stored) }
    }
}

/// A stored text with the key of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText {
    pub row: Vec<u8>,
    owner: Vec<u8>,
    stored: String,
}

impl Store {
    /// Up to `limit` texts of a column in the order of their rows, after one of them.
    pub fn sealed_after(
        &self,
        column: SealedColumn,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<SealedText>> {
        let (table, key, owner, name) = column.names();
        let sql = format!(
            "SELECT {key}, {owner}, {name} FROM {table} WHERE {key} > $1 AND {name} IS NOT NULL AND {name} <> '' \
             ORDER BY {key} LIMIT $2"
        );
        let rows = self.db.query(&sql, &[after.unwrap_or_default().to_vec().into(), limit.into()])?;
        let read = |row: &Row| Ok(SealedText { row: row.get(0)?, owner: row.get(1)?, stored: row.get(2)? });
        rows.iter().map(read).collect()
    }

    /// What brings a text to its form of today, unless somebody changes it meanwhile; nothing if it has it already.
    pub fn sealed_renew(&self, column: SealedColumn, text: &SealedText) -> Result<Option<Statement>> {
        let renewed = self.sealer().reseal_text(&column.place(&text.owner), &text.stored)?;
        let (table, key, _, name) = column.names();
        Ok(renewed.map(|renewed| Statement {
            sql: format!("UPDATE {table} SET {name} = $3 WHERE {key} = $1 AND {name} = $2").into(),
            params: vec![text.row.clone().into(), text.stored.clone().into(), renewed.into()],
            rows_expected: None,
        }))
    }
}
