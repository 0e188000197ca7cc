//! Background work beside ingest: samples of the metrics, and the change from one embedder to another.

use std::sync::Arc;
use std::time::Duration;

use ibid_ingest::Changeover;
use ibid_runtime::{Shutdown, round};

use crate::App;
use crate::embedder::{ACTIVE_SETTING, Active};

/// Between two samples of the metrics.
const SAMPLE_EVERY: Duration = Duration::from_secs(15);

/// Keeps a sample of every metric now and then until the shutdown, and the last at the end.
pub fn sample(app: &App, shutdown: &Shutdown) {
    loop {
        // The first at once, so that what grows from here on is seen.
        let is_last = shutdown.is_requested();
        sample_now(app);
        if is_last {
            return;
        }
        shutdown.wait_timeout(SAMPLE_EVERY);
    }
}

/// Keeps a sample of every metric.
pub fn sample_now(app: &App) {
    let Some(series) = app.series() else { return };
    app.metrics.observe(app);
    let readings = app.metrics.registry().readings();
    // A failure is noted and logged there; the next sample is tried again.
    let _ = round(&app.clock, "keep-metrics", || {
        series.append(app.clock.now(), &readings)?;
        Ok(format!("a sample of {} series was kept, what is older than 30 days removed", readings.len()))
    });
}

/// Embeds everything anew; the indexes follow by themselves.
pub fn change_embedder(app: &App, shutdown: &Shutdown) {
    if changeover(app).run(shutdown) {
        app.indexes_changed();
        tracing::info!(embedder = app.embedder.spec().id, "every passage has a vector of the new embedder");
    }
}

/// What is left to do until the configured embedder's vectors are searched.
pub fn changeover(app: &App) -> Changeover {
    Changeover {
        store: app.store.clone(),
        to: Arc::clone(&app.embedder),
        active: (ACTIVE_SETTING, Active::new(&app.config, app.embedder.spec()).to_json()),
    }
}
