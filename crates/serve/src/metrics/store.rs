//! A database that counts and times what is asked of it.

use std::sync::Arc;
use std::time::Instant;

use ibid_ops::metric::list;
use ibid_store::{Db, Outcome, Row, Statement, Value};
use ibid_types::Result;

use super::{Metrics, outcome};

/// Passes everything on to the database inside.
#[derive(Debug)]
pub struct MeteredDb {
    inner: Arc<dyn Db>,
    metrics: Metrics,
}

impl MeteredDb {
    pub const fn new(inner: Arc<dyn Db>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }
}

impl Db for MeteredDb {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let _running = self.metrics.hold(list::STORE_QUERIES_RUNNING, []);
        let started = Instant::now();
        let rows = self.inner.query(sql, params);
        let registry = self.metrics.registry();
        registry.count(&list::STORE_QUERIES, [outcome(&rows)]);
        registry.observe(&list::STORE_QUERY_DURATION, [], started.elapsed().as_secs_f64());
        rows
    }

    fn damages(&self) -> Result<Vec<String>> {
        self.inner.damages()
    }

    fn erase(&self) -> Result<()> {
        self.inner.erase()
    }

    fn batch(&self, statements: Vec<Statement>) -> Result<Outcome> {
        let started = Instant::now();
        let done = self.inner.batch(statements);
        let registry = self.metrics.registry();
        registry.count(&list::STORE_BATCHES, [outcome(&done)]);
        registry.observe(&list::STORE_BATCH_DURATION, [], started.elapsed().as_secs_f64());
        done
    }
}
