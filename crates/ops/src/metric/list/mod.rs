//! Every metric there is, room by room.

/// Declares the metrics of a room and lists them as `ALL`.
macro_rules! room {
    ($($name:ident: $kind:ident<$count:literal> = ($($given:expr),* $(,)?);)*) => {
        $(
            #[doc = concat!("See its entry: `", stringify!($name), ".0.help`.")]
            pub const $name: $crate::metric::$kind<$count> = $crate::metric::$kind::new($($given),*);
        )*
        pub(super) const ALL: &[$crate::metric::Entry] = &[$($name.0),*];
    };
}

mod answers;
mod backup;
mod guard;
mod http;
mod memory;
mod models;
mod process;
mod store;
mod watch;
mod work;

pub use answers::*;
pub use backup::*;
pub use guard::*;
pub use http::*;
pub use memory::*;
pub use models::*;
pub use process::*;
pub use store::*;
pub use watch::*;
pub use work::*;

use super::Entry;

/// Titles of the rooms and what is in them. A room names its own metrics, so that one that exists is here.
pub static ROOMS: &[(&str, &[Entry])] = &[
    ("HTTP and keys", http::ALL),
    ("Answers and search", answers::ALL),
    ("Memory", memory::ALL),
    ("Guards", guard::ALL),
    ("Models", models::ALL),
    ("Flows, jobs and indexes", work::ALL),
    ("Store and files", store::ALL),
    ("Backup", backup::ALL),
    ("Process and machine", process::ALL),
    ("Alerts, objectives and quality", watch::ALL),
];

/// Seconds of what people wait for: from a millisecond to what a request may take, with the limits of the default
/// objectives and alert rules (0.5, 2 and 5 seconds) among them.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Seconds of what happens inside: from a tenth of a millisecond.
const SHORT_SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
