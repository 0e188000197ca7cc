//! What the breaker costs a call, beside the same call without it: `cargo run --release -p ibid-model --example breaker`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_model::{BreakerConfig, ChatDelta, ChatModel, ChatOutcome, ChatRequest, GuardedChat};
use ibid_runtime::Clock;
use ibid_types::Result;

const CALLS: usize = 200_000;

/// Answers at once with nothing.
#[derive(Debug)]
struct Silent;

impl ChatModel for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    fn context_tokens(&self) -> usize {
        1
    }

    fn chat(&self, _: &ChatRequest, _: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>) -> Result<ChatOutcome> {
        Ok(ChatOutcome::default())
    }

    fn probe(&self) -> Result<()> {
        Ok(())
    }
}

/// The median and the 99th percentile of a call, in nanoseconds.
fn measured(model: &dyn ChatModel) -> [u128; 2] {
    let request = ChatRequest { messages: Vec::new(), temperature: 0.0, tokens_max: 1, stop: Vec::new() };
    let call = |_| {
        let started = Instant::now();
        drop(model.chat(&request, &mut |_| ControlFlow::Continue(())));
        started.elapsed().as_nanos()
    };
    let mut times: Vec<u128> = (0..CALLS).map(call).collect();
    times.sort_unstable();
    [times[CALLS / 2], times[CALLS * 99 / 100]]
}

fn main() {
    let (window, pause) = (Duration::from_secs(60), Duration::from_secs(15));
    let config = BreakerConfig { failures_max: 5, share_max: 0.5, calls_min: 20, window, pause };
    let bare: Arc<dyn ChatModel> = Arc::new(Silent);
    let guarded = GuardedChat::new(Arc::clone(&bare), config, Clock::system());
    for (name, model) in [("without", bare.as_ref()), ("with", &guarded as &dyn ChatModel)] {
        let [median, high] = measured(model);
        println!("{name:8} p50 {median} ns, p99 {high} ns");
    }
}
