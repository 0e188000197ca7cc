//! What a connection to a provider has learnt and may still spend: shared by the adapter, which fills it, and the gate,
//! which reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderMap;

use super::retry::Allowance;
use super::told::{Told, told};

/// The line to one provider and model.
#[derive(Debug, Default)]
pub struct Line {
    /// What the provider last said of its limits, until the gate has taken note of it.
    told: Mutex<Told>,
    pub(crate) retries: Allowance,
}

impl Line {
    /// Takes note of what the headers of an answer say.
    pub(crate) fn hear(&self, headers: &HeaderMap) {
        let heard = told(headers);
        if heard != Told::default() {
            *self.told() = heard;
        }
    }

    /// What was said since the last time; nothing where nothing was.
    pub(crate) fn take(&self) -> Told {
        std::mem::take(&mut *self.told())
    }

    /// Requests that were sent again since the start.
    #[must_use]
    pub fn retries_count(&self) -> u64 {
        self.retries.taken()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
