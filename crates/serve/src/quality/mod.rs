//! The quality of answers while they are given: a sample is checked again, golden questions are asked now and then.
//!
//! Keeps true: a check reads what is stored, not what the answer says of itself.

mod golden;
mod questions;
mod recheck;

use std::sync::Arc;
use std::time::Duration;

use ibid_ops::metric::list;
use ibid_ops::series::{Samples, Selector};
use ibid_runtime::Shutdown;
use ibid_types::Timestamp;

use crate::App;
pub use golden::ask_all;
pub use questions::read as questions;

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A round of golden questions in which something was wrong is repeated after this, so that its end is seen too.
const AGAIN_MS: i64 = 10 * 60_000;
/// Fewer checks of a sample within a day say nothing of accuracy.
const CHECKS_MIN: f64 = 5.0;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Checks again and asks until the shutdown.
pub fn watch(app: &Arc<App>, shutdown: &Shutdown) {
    let mut seen = app.clock.now();
    let mut asked: Option<Timestamp> = None;
    while !shutdown.wait_timeout(LOOK_EVERY) {
        let now = app.clock.now();
        match recheck::turns(app, seen, now) {
            Ok(()) => seen = now,
            Err(error) => {
                tracing::warn!(code = error.code, reason = error.chain(), "turns will be checked later")
            }
        }
        if golden_due(app, asked, now) {
            asked = Some(now);
            if let Err(error) = ask_all(app, shutdown) {
                tracing::warn!(code = error.code, reason = error.chain(), "no golden question was asked");
            }
        }
        measure(app);
    }
}

fn golden_due(app: &App, asked: Option<Timestamp>, now: Timestamp) -> bool {
    let usual = i64::try_from(app.config.slo.golden_hours).unwrap_or(0).saturating_mul(3_600_000);
    let was_wrong = golden_share(app).is_some_and(|share| share < 1.0);
    let every = if was_wrong { usual.min(AGAIN_MS) } else { usual };
    usual > 0 && asked.is_none_or(|at| now.0 - at.0 >= every)
}

/// Sets the gauge of accuracy.
pub fn measure(app: &App) {
    if let Some(accuracy) = accuracy(app) {
        app.metrics.registry().set(&list::QUALITY_ACCURACY, [], accuracy);
    }
}

/// The worse of the last round of golden questions and of the samples of a day, so that many right samples do not hide
/// that what is known is answered wrongly; nothing where nothing was checked.
pub fn accuracy(app: &App) -> Option<f64> {
    [golden_share(app), sampled_share(app)].into_iter().flatten().reduce(f64::min)
}

/// What was right of the last round; nothing where there was none.
fn golden_share(app: &App) -> Option<f64> {
    let registry = app.metrics.registry();
    let was_asked = registry.level(&list::QUALITY_AGE, []) > 0.0;
    was_asked.then(|| registry.level(&list::QUALITY_GOLDEN, []))
}

fn sampled_share(app: &App) -> Option<f64> {
    let samples = app.series()?.at(app.clock.now());
    let checks = Selector::new(list::QUALITY_CHECKED.0.name).with("kind", "claim|citation");
    let all = samples.increase(&checks, DAY).filter(|all| *all >= CHECKS_MIN)?;
    Some(samples.increase(&checks.with("outcome", "right"), DAY).unwrap_or(0.0) / all)
}

fn count(app: &App, kind: &str, is_right: bool) {
    let outcome = if is_right { "right" } else { "wrong" };
    app.metrics.registry().count(&list::QUALITY_CHECKED, [kind, outcome]);
}
