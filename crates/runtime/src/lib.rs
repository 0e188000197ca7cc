//! The clock, the stop signal, background threads and seeded chance: what code would otherwise take from the
//! system behind its caller's back.
//!
//! Keeps true: everything here can be set by a test.

mod background;
mod chance;
mod clock;
mod rounds;
mod shutdown;
mod tls;
mod trace;

pub use background::{TaskState, background, tasks};
pub use chance::Chance;
pub use clock::Clock;
pub use rounds::{Round, round, rounds};
pub use shutdown::Shutdown;
pub use tls::set_up_tls;
pub use trace::{TraceContext, current_trace, enter_trace, leave_trace};
