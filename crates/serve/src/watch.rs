//! The background work that watches: rules over the metrics, messages to people, checks of readiness.

use std::sync::Arc;
use std::time::Duration;

use ibid_config::Config;
use ibid_ops::alert::{Routes, Rule, Settings, Severity, Watch, rules};
use ibid_ops::audit::{Outlet, behind, outlets};
use ibid_ops::certificate::{Certificates, Endpoint, Looked, endpoints};
use ibid_ops::incident::Clocks;
use ibid_ops::metric::list;
use ibid_ops::notify::{Courier, receivers};
use ibid_ops::slo::{self, Objective};
use ibid_runtime::Shutdown;
use ibid_store::Store;
use ibid_types::{Result, Timestamp};

use crate::App;

/// How often the queue is asked for messages; each is wanted within seconds, and an idle look is one indexed query.
const COURIER_EVERY: Duration = Duration::from_secs(1);
/// Checks of readiness ask providers too, so not at every look at the rules.
const CHECKS_EVERY_MS: i64 = 60_000;

/// Certificates are renewed weeks before their end.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What is watched by which rules, and who is told.
#[derive(Debug)]
pub struct Watching {
    pub rules: Vec<Rule>,
    pub objectives: Vec<Objective>,
    pub routes: Routes,
    pub clocks: Clocks,
    pub courier: Courier,
    /// Who gets the audit log.
    pub outlets: Vec<Arc<Outlet>>,
    pub certificates: Certificates,
    endpoints: Vec<Endpoint>,
}

impl Watching {
    pub fn open(config: &Config, store: &Store) -> Result<Self> {
        Ok(Self {
            rules: rules(config)?,
            objectives: slo::objectives(&config.slo),
            routes: Routes::new(config),
            clocks: Clocks::new(&config.incidents),
            certificates: Certificates::default(),
            endpoints: endpoints(config),
            outlets: outlets(config)?.into_iter().map(Arc::new).collect(),
            courier: Courier::new(store.clone(), receivers(config)?, config.notify.attempts_max),
        })
    }
}

impl Watching {
    /// Looks at the certificates of all addresses that are configured. Takes a few seconds where one does not answer.
    pub fn look_at_certificates(&self) -> Vec<Looked> {
        self.certificates.look(&self.endpoints)
    }
}

/// Looks at certificates at once and every day until the shutdown.
pub fn certificates(app: &Arc<App>, shutdown: &Shutdown) {
    loop {
        for looked in app.watching.look_at_certificates() {
            if let Err(error) = looked.ends_at {
                tracing::warn!(code = error.code, "a certificate was not seen: {}", error.chain());
            }
        }
        if shutdown.wait_timeout(CERTIFICATES_EVERY) {
            return;
        }
    }
}

/// Looks at the rules until the shutdown.
pub fn alerts(app: &Arc<App>, shutdown: &Shutdown) {
    let every = Duration::from_secs(app.config.alerts.interval_seconds);
    let mut watch = None;
    let mut checked_at = None;
    while !shutdown.wait_timeout(every) {
        let now = app.clock.now();
        if checked_at.is_none_or(|at: Timestamp| now.0 - at.0 >= CHECKS_EVERY_MS) {
            checked_at = Some(now);
            check(app);
        }
        if let Err(error) = look(app, &mut watch, now) {
            tracing::warn!(
                code = error.code,
                reason = error.chain(),
                "the alert rules will be looked at again"
            );
        }
    }
}

fn look(app: &App, watch: &mut Option<Watch>, now: Timestamp) -> Result<()> {
    let Some(series) = app.series() else { return Ok(()) };
    let watching = &app.watching;
    let watch = match watch {
        Some(watch) => watch,
        None => {
            let settings = Settings { quiet: Duration::from_secs(app.config.alerts.quiet_seconds) };
            let (rules, routes) = (watching.rules.clone(), watching.routes.clone());
            watch.insert(Watch::new(app.store.clone(), rules, routes, settings, watching.clocks)?)
        }
    };
    let ticked = watch.tick(&series.at(now), now)?;
    let registry = app.metrics.registry();
    for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
        let count = ticked.firing.get(&severity).copied().unwrap_or(0);
        registry.set(&list::ALERTS_FIRING, [severity.name()], count as f64);
    }
    for (priority, name) in ["P0", "P1", "P2", "P3"].iter().enumerate() {
        let priority = u32::try_from(priority).unwrap_or(u32::MAX);
        let count = ticked.incidents.get(&priority).copied().unwrap_or(0);
        registry.set(&list::INCIDENTS_OPEN, [name], count as f64);
    }
    registry.set(&list::ALERT_SECONDS, [], now.0 as f64 / 1000.0);
    Ok(())
}

/// Sets the gauges of the checks, and counts a look at each objective that is looked at.
fn check(app: &App) {
    let registry = app.metrics.registry();
    for check in app.checks() {
        let failed = if check.status == "ok" { 0.0 } else { 1.0 };
        registry.set(&list::CHECKS_FAILED, [&check.name], failed);
    }
    if let Ok(lag) = app.index_lag() {
        looked(app, slo::FRESHNESS, lag <= app.config.slo.freshness_entries_max);
    }
    if let Some(base_at) = app.backup.as_ref().and_then(|backup| backup.status().base_at) {
        let age_ms = app.clock.now().0 - base_at.0;
        looked(app, slo::BACKUP, age_ms / 1000 <= app.config.slo.backup_age_seconds_max.cast_signed());
    }
    if let Some(accuracy) = app.watching_accuracy() {
        looked(app, slo::ACCURACY, accuracy >= app.config.slo.accuracy_min);
    }
}

fn looked(app: &App, objective: &str, is_good: bool) {
    let outcome = if is_good { "good" } else { "bad" };
    app.metrics.registry().count(&list::SLO_CHECKS, [objective, outcome]);
}

/// Delivers messages until the shutdown.
pub fn notify(app: &Arc<App>, shutdown: &Shutdown) {
    while !shutdown.wait_timeout(COURIER_EVERY) {
        match app.watching.courier.deliver_due() {
            Ok(all) => count(app, &all),
            Err(error) => {
                tracing::warn!(code = error.code, reason = error.chain(), "messages will be tried again")
            }
        }
    }
}

/// Counts attempts at messages.
pub fn count(app: &App, all: &[ibid_ops::notify::Delivered]) {
    for delivered in all {
        let labels = [delivered.receiver.as_str(), delivered.outcome];
        app.metrics.registry().count(&list::NOTIFICATIONS, labels);
    }
}

/// How soon an entry of the audit log is sent, and how long a receiver that is away is left alone at most.
const AUDIT_EVERY_MS: u64 = 1000;
const AUDIT_PAUSE_MS_MAX: u64 = 60_000;

/// Sends the audit log to a receiver until the shutdown, which a backlog does not hold up.
pub fn audit(app: &Arc<App>, outlet: &Outlet, shutdown: &Shutdown) {
    let mut failures = 0_u32;
    loop {
        let sent = outlet.send_next(&app.store);
        tell_of_audit(app, outlet, sent.as_ref().map(|count| *count > 0).ok());
        if let Err(error) = &sent
            && failures == 0
        {
            let receiver = outlet.name();
            tracing::warn!(receiver, code = error.code, "entries of the audit log wait: {}", error.chain());
        }
        failures = if sent.is_ok() { 0 } else { failures.saturating_add(1) };
        let pause_ms = audit_pause_ms(sent.ok(), failures);
        if shutdown.wait_timeout(Duration::from_millis(pause_ms)) {
            return;
        }
    }
}

/// Where something was sent there may be more at once; a receiver that fails again and again is asked less and less often.
fn audit_pause_ms(sent: Option<usize>, failures: u32) -> u64 {
    match sent {
        Some(1..) => 0,
        Some(0) => AUDIT_EVERY_MS,
        None => (AUDIT_EVERY_MS << failures.min(6)).min(AUDIT_PAUSE_MS_MAX),
    }
}

/// Counts an attempt (of which nothing is told where there was nothing to send), and says how far behind the receiver is.
fn tell_of_audit(app: &App, outlet: &Outlet, has_sent: Option<bool>) {
    let registry = app.metrics.registry();
    match has_sent {
        Some(true) => registry.count(&list::AUDIT_SENT, [outlet.name(), "done"]),
        Some(false) => {}
        None => registry.count(&list::AUDIT_SENT, [outlet.name(), "failed"]),
    }
    let Ok(behind) = behind(&app.store, outlet.name()) else { return };
    let age_ms = behind.since.map_or(0, |since| (app.clock.now().0 - since.0).max(0));
    registry.set(&list::AUDIT_UNSENT, [outlet.name()], behind.entries as f64);
    registry.set(&list::AUDIT_UNSENT_AGE, [outlet.name()], age_ms as f64 / 1000.0);
}

#[cfg(test)]
mod tests {
    use super::audit_pause_ms;

    #[test]
    fn a_backlog_goes_on_at_once_and_a_dead_receiver_is_left_alone() {
        assert_eq!((audit_pause_ms(Some(7), 0), audit_pause_ms(Some(0), 0)), (0, 1000));
        let pauses: Vec<u64> = (1..=8).map(|failures| audit_pause_ms(None, failures)).collect();
        assert_eq!(pauses, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }
}
