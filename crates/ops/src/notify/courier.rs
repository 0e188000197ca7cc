//! From the queue to the receivers.

use ibid_store::{Lease, NewJob, Statement, Store};
use ibid_types::{Error, JobId, Result};

use crate::notify::{Notice, Receivers};

/// The kind of its jobs.
pub const KIND: &str = "notify";
/// A delivery takes at most `notify.timeout_seconds`, which is bounded by 120.
const LEASE_MS: i64 = 300_000;
const AT_ONCE: usize = 8;
/// Attempts of a message whose configuration says nothing else: with doubling delays about 20 minutes.
const ATTEMPTS_USUAL: u32 = 12;

/// The statement that puts a message into the queue.
#[must_use]
pub fn delivery(store: &Store, receiver: &str, notice: &Notice) -> Statement {
    let job = NewJob {
        id: JobId::new(),
        kind: KIND.to_owned(),
        workspace: None,
        document: None,
        subject: receiver.to_owned(),
        batch: None,
        payload: serde_json::to_value(notice).unwrap_or_default(),
        attempts_max: ATTEMPTS_USUAL,
        run_at: None,
    };
    store.jobs().enqueue_statement(&job)
}

/// Delivers what is due.
#[derive(Debug)]
pub struct Courier {
    store: Store,
    receivers: Receivers,
    attempts_max: u32,
}

/// An attempt: to whom, and how it ended.
#[derive(Debug)]
pub struct Delivered {
    pub receiver: String,
    /// `done`, `failed` (it is tried again) or `dead`.
    pub outcome: &'static str,
}

impl Courier {
    #[must_use]
    pub const fn new(store: Store, receivers: Receivers, attempts_max: u32) -> Self {
        Self { store, receivers, attempts_max }
    }

    /// Tries all that is due once.
    pub fn deliver_due(&self) -> Result<Vec<Delivered>> {
        let jobs = self.store.jobs();
        let mut all = Vec::new();
        let leases = jobs.lease(KIND, &jobs.owner(), LEASE_MS, AT_ONCE)?;
        // One after the other: a receiver that hangs costs at most its timeout each, well below the lease.
        for lease in leases {
            all.push(self.deliver(&lease)?);
        }
        Ok(all)
    }

    fn deliver(&self, lease: &Lease) -> Result<Delivered> {
        let jobs = self.store.jobs();
        let receiver = lease.job.subject.clone();
        match self.try_once(lease) {
            Ok(()) => {
                let done = jobs.done_statement(lease, &serde_json::Value::Null);
                self.store.db().batch(vec![done])?;
                Ok(Delivered { receiver, outcome: "done" })
            }
            Err(error) => {
                let is_hopeless = error.code == "notify_receiver_unknown" || error.code == "notify_malformed";
                let is_last = lease.job.attempts >= self.attempts_max.min(lease.job.attempts_max);
                let retry = !is_hopeless && !is_last;
                tracing::warn!(
                    receiver,
                    code = error.code,
                    attempt = lease.job.attempts,
                    "{}",
                    error.chain()
                );
                jobs.fail(lease, &error, retry)?;
                Ok(Delivered { receiver, outcome: if retry { "failed" } else { "dead" } })
            }
        }
    }

    fn try_once(&self, lease: &Lease) -> Result<()> {
        let name = &lease.job.subject;
        let receiver = self.receivers.get(name).ok_or_else(|| {
            let what = format!("there is no receiver '{name}' in notify.receivers any more");
            Error::not_found("notify_receiver_unknown", what)
        })?;
        let notice: Notice = serde_json::from_value(lease.job.payload.clone()).map_err(|error| {
            Error::internal("notify_malformed", "a stored message cannot be read").caused_by(error)
        })?;
        receiver.deliver(&notice, lease.job.id)
    }
}
