//! `Db { query, batch }`: the whole of what the rest of Ibid knows of a database.

use std::borrow::Cow;
use std::fmt::Debug;

use ibid_types::{Error, Result};

/// A parameter or a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// One SQL statement with `$1`-style parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sql: Cow<'static, str>,
    pub params: Vec<Value>,
    /// The batch fails with `conflict` and changes nothing unless exactly so many rows are affected.
    pub rows_expected: Option<u64>,
}

impl Statement {
    #[must_use]
    pub fn new(sql: &'static str, params: Vec<Value>) -> Self {
        Self { sql: Cow::Borrowed(sql), params, rows_expected: None }
    }

    /// Compare-and-set: the whole batch fails unless exactly `rows` are affected.
    #[must_use]
    pub const fn expecting(mut self, rows: u64) -> Self {
        self.rows_expected = Some(rows);
        self
    }
}

/// What a committed batch did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Rows affected (or returned by `RETURNING`), one count a statement.
    pub rows_affected: Vec<u64>,
    /// Rows that each statement returned, in order; empty for those that return none.
    pub returned: Vec<Vec<Row>>,
}

/// Columns in the order of the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The column's value, read as `T`; a type that does not fit is an internal error that names the column.
    pub fn get<T>(&self, column: usize) -> Result<T>
    where
        T: TryFrom<Value, Error = Error>,
    {
        let value = self.0.get(column).cloned().unwrap_or(Value::Null);
        T::try_from(value).map_err(|error| {
            let what = format!("column {column} is not of the type that is read");
            Error::internal("store_column", what).caused_by(error)
        })
    }
}

/// A relational store. Blocking: call it from threads that may wait.
pub trait Db: Send + Sync + Debug {
    /// Rows of a read-only query, from a snapshot at least as new as every batch this process has seen acknowledged.
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;

    /// What of the stored data is not what was written; nothing where all is well, or where the engine cannot tell.
    fn damages(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Leaves nothing in the engine's files of what committed batches have deleted.
    ///
    /// # Errors
    /// `store_log_held` where somebody reads an older state for so long that it has to stay.
    fn erase(&self) -> Result<()>;

    /// All statements or none. When it returns, the change is on disk.
    fn batch(&self, statements: Vec<Statement>) -> Result<Outcome>;
}
