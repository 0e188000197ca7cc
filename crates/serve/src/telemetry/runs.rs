//! Which trace started a run, so that its effects, on whatever thread and however much later, are of that trace.

use std::collections::{HashMap, VecDeque};

use ibid_runtime::{TraceContext, current_trace};
use ibid_types::RunId;
use parking_lot::Mutex;

/// Runs remembered; the oldest are forgotten.
const RUNS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub struct RunTraces {
    known: Mutex<(HashMap<RunId, TraceContext>, VecDeque<RunId>)>,
}

impl RunTraces {
    /// The run is of the trace that the current thread works for.
    pub fn note(&self, run: RunId) {
        let Some(context) = current_trace() else { return };
        let mut known = self.known.lock();
        let (contexts, order) = &mut *known;
        if contexts.insert(run, context).is_none() {
            order.push_back(run);
        }
        if order.len() > RUNS_MAX
            && let Some(oldest) = order.pop_front()
        {
            contexts.remove(&oldest);
        }
    }

    pub fn of(&self, run: RunId) -> Option<TraceContext> {
        self.known.lock().0.get(&run).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_runtime::{enter_trace, leave_trace};

    #[test]
    fn a_run_keeps_the_trace_that_started_it() {
        let traces = RunTraces::default();
        let (traced, untraced) = (RunId::new(), RunId::new());
        let context = TraceContext { trace: 1, span: 2, is_sampled: true };
        enter_trace(context);
        traces.note(traced);
        leave_trace(context);
        traces.note(untraced);
        assert_eq!((traces.of(traced), traces.of(untraced)), (Some(context), None));
    }

    #[test]
    fn the_memory_of_runs_is_bounded() {
        let traces = RunTraces::default();
        let context = TraceContext { trace: 1, span: 2, is_sampled: true };
        enter_trace(context);
        (0..RUNS_MAX + 10).for_each(|_| traces.note(RunId::new()));
        leave_trace(context);
        assert_eq!(traces.known.lock().0.len(), RUNS_MAX);
    }
}
