//! Background threads whose state can be seen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::Shutdown;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    Running,
    Ended,
    /// It ended in a panic; the log says which.
    Panicked,
}

/// Name and state of every task that was started, in order.
static TASKS: Mutex<Vec<(String, TaskState)>> = Mutex::new(Vec::new());

/// Runs `work` on a thread of its own until it returns, which it does soon after a stop is requested.
pub fn background(
    name: &str,
    shutdown: &Shutdown,
    work: impl FnOnce(&Shutdown) + Send + 'static,
) -> JoinHandle<()> {
    let index = started(name);
    let shutdown = shutdown.clone();
    let label = name.to_owned();
    std::thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&shutdown)));
        if outcome.is_err() {
            tracing::error!(task = label, "a background task ended in a panic");
        }
        TASKS.lock()[index].1 = if outcome.is_ok() { TaskState::Ended } else { TaskState::Panicked };
    })
}

fn started(name: &str) -> usize {
    let mut tasks = TASKS.lock();
    tasks.push((name.to_owned(), TaskState::Running));
    tasks.len() - 1
}

/// What runs, and what ended how.
#[must_use]
pub fn tasks() -> Vec<(String, TaskState)> {
    TASKS.lock().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_end_is_seen() {
        let shutdown = Shutdown::new();
        let state = |name: &str| tasks().into_iter().find(|(task, _)| task == name).unwrap().1;
        background("quiet", &shutdown, |_| ()).join().unwrap();
        background("loud", &shutdown, |_| panic!("as tested")).join().unwrap();
        assert_eq!((state("quiet"), state("loud")), (TaskState::Ended, TaskState::Panicked));
    }
}
