//! Who pays for calls: whether a model may be asked now.

use std::fmt::Debug;

use ibid_types::Result;

/// The code of the error that says that a model may not be asked because nobody pays for it.
pub(super) const BUDGET_USED_UP: &str = "budget_used_up";

/// Says whether a model is payable, on behalf of whoever the calling thread works for.
pub trait Purse: Send + Sync + Debug {
    /// Error: `budget_used_up`, with the budget and until when in words for the reader of the answer.
    fn check(&self, model: &str) -> Result<()>;
}

/// Everything is paid for.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Purse for Unlimited {
    fn check(&self, _model: &str) -> Result<()> {
        Ok(())
    }
}
