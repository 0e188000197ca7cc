//! From a metric to a message at real receivers, and to the end of both: with a queue on disk and a clock that the test moves.
#![allow(clippy::unwrap_used)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ibid_config::{Config, Layers};
use ibid_ops::alert::{Routes, Settings, Watch, default_rules, told_as_test, told_by_hand};
use ibid_ops::incident::{Clocks, review};
use ibid_ops::metric::{Registry, list};
use ibid_ops::notify::{Courier, receivers};
use ibid_ops::series::Series;
use ibid_runtime::Clock;
use ibid_store::{NewIncident, Sqlite, SqliteConfig, Store, Which, incident_event, incident_open};
use ibid_testkit::{Inbox, MailServer};
use ibid_types::Timestamp;
use tempfile::TempDir;

const START: i64 = 1_767_225_600_000;
const MINUTE_MS: i64 = 60_000;

/// An installation without its server.
struct Place {
    clock: Clock,
    store: Store,
    series: Series,
    registry: Registry,
    watch: Watch,
    courier: Courier,
    routes: Routes,
    _dir: TempDir,
}

fn config(flags: &[String]) -> Config {
    let mut layers = Layers::defaults().unwrap();
    flags.iter().for_each(|flag| layers.flag(flag));
    layers.finish().unwrap().0
}

impl Place {
    fn new(flags: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(START));
        let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
        let store = Store::new(Arc::new(db), clock.clone());
        let config = config(flags);
        let routes = Routes::new(&config);
        let settings = Settings { quiet: Duration::from_secs(60) };
        let clocks = Clocks::new(&config.incidents);
        let watch = Watch::new(store.clone(), default_rules(0.0), routes.clone(), settings, clocks).unwrap();
        let courier = Courier::new(store.clone(), receivers(&config).unwrap(), config.notify.attempts_max);
        Self {
            clock,
            store,
            series: Series::in_memory(),
            registry: Registry::new(),
            watch,
            courier,
            routes,
            _dir: dir,
        }
    }

    /// Goes on for so long, with a sample and a look each 30 seconds.
    fn pass(&mut self, ms: i64) {
        for _ in 0..ms / 30_000 {
            self.clock.advance_ms(30_000);
            let now = self.clock.now();
            self.series.append(now, &self.registry.readings()).unwrap();
            self.watch.tick(&self.series.at(now), now).unwrap();
            self.courier.deliver_due().unwrap();
        }
    }

    fn panicked(&self, tasks: f64) {
        self.registry.set(&list::TASKS, ["panicked"], tasks);
    }

    fn failed_jobs(&self) -> u64 {
        self.store.jobs().counts().unwrap().failed
    }
}

fn receiver(name: &str, kind: &str, rest: &str) -> String {
    format!("{{name='{name}', kind='{kind}', {rest}}}")
}

#[test]
fn every_kind_of_receiver_hears_of_the_beginning_and_the_end() {
    let (hook, slack, pager, mail) =
        (Inbox::start(&[]), Inbox::start(&[]), Inbox::start(&[]), MailServer::start());
    let all = [
        receiver("hook", "webhook", &format!("url='{}/in', key='token'", hook.url())),
        receiver("slack", "slack", &format!("url='{}'", slack.url())),
        receiver("pager", "pagerduty", &format!("url='{}', key='routing'", pager.url())),
        receiver(
            "mail",
            "email",
            &format!(
                "smtp='{}', security='none', from='ibid@example.org', to=['ops@example.org']",
                mail.address
            ),
        ),
    ];
    let mut place = Place::new(&[format!("notify.receivers=[{}]", all.join(","))]);
    place.panicked(2.0);
    place.pass(2 * MINUTE_MS);
    place.panicked(0.0);
    place.pass(5 * MINUTE_MS);

    let posts = hook.posts();
    let events: Vec<&str> = posts.iter().map(|post| post.body["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["firing", "resolved"]);
    assert_eq!((posts[0].path.as_str(), posts[0].header("authorization")), ("/in", "Bearer token"));
    assert_eq!(posts[0].body["alerts"][0]["rule"], "task-panicked");
    assert_eq!(posts[0].body["title"], "2 background tasks ended in a panic");

    let colors: Vec<_> =
        slack.posts().iter().map(|post| post.body["attachments"][0]["color"].clone()).collect();
    assert_eq!(colors, ["danger", "good"]);

    let pages = pager.posts();
    let actions: Vec<_> = pages.iter().map(|post| post.body["event_action"].clone()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(pages[0].body["dedup_key"], pages[1].body["dedup_key"]);
    assert_eq!(
        (&pages[0].body["routing_key"], &pages[0].body["payload"]["severity"]),
        (&"routing".into(), &"critical".into())
    );

    let mails = mail.mails();
    assert_eq!(mails.len(), 2);
    assert!(
        mails[0].contains("RCPT TO:<ops@example.org>") && mails[0].contains("[FIRING critical]"),
        "{}",
        mails[0]
    );
    assert!(mails[1].contains("[RESOLVED critical]"));
    assert_eq!(place.failed_jobs(), 0);
}

#[test]
fn a_message_waits_for_its_receiver_and_is_a_dead_letter_in_the_end() {
    let hook = Inbox::start(&[500, 503]);
    let one = receiver("hook", "webhook", &format!("url='{}'", hook.url()));
    let mut place = Place::new(&[format!("notify.receivers=[{one}]")]);
    place.panicked(1.0);
    place.pass(5 * MINUTE_MS);
    let posts = hook.posts();
    assert_eq!(posts.len(), 3, "two refusals, then it is taken");
    assert_eq!(posts[0].header("idempotency-key"), posts[2].header("idempotency-key"));

    let gone = receiver("gone", "webhook", "url='http://127.0.0.1:1'");
    let mut place = Place::new(&[format!("notify.receivers=[{gone}]"), "notify.attempts_max=3".to_owned()]);
    place.panicked(1.0);
    place.pass(10 * MINUTE_MS);
    assert_eq!(place.failed_jobs(), 1);
}

#[test]
fn a_message_outlives_the_process_that_decided_on_it() {
    let hook = Inbox::start(&[]);
    let one = receiver("hook", "webhook", &format!("url='{}'", hook.url()));
    let place = Place::new(&[format!("notify.receivers=[{one}]")]);
    place.store.db().batch(told_as_test(&place.store, &["hook".to_owned()], place.clock.now())).unwrap();
    // Another courier over the same store, as after a restart.
    let config = config(&[format!("notify.receivers=[{one}]")]);
    let courier = Courier::new(place.store.clone(), receivers(&config).unwrap(), 3);
    assert_eq!(courier.deliver_due().unwrap()[0].outcome, "done");
    assert_eq!(hook.posts()[0].body["event"], "test");
}

#[test]
fn a_critical_alert_opens_an_incident_that_ends_with_it() {
    let mut place = Place::new(&[]);
    place.panicked(1.0);
    place.pass(MINUTE_MS);
    let incident = place.store.incident(1).unwrap();
    assert_eq!(
        (incident.priority, incident.state.as_str(), incident.runbook.as_str()),
        (1, "open", "service-down")
    );
    assert_eq!(incident.respond_by, Some(Timestamp(incident.opened_at.0 + 15 * MINUTE_MS)));
    assert_eq!(place.store.alerts_of_incident(1).unwrap().len(), 1);

    place.pass(15 * MINUTE_MS);
    assert!(place.store.incident(1).unwrap().late_at.is_some(), "nobody took it");
    place.panicked(0.0);
    place.pass(5 * MINUTE_MS);
    assert_eq!(place.store.incident(1).unwrap().state, "resolved");
    place.panicked(1.0);
    place.pass(2 * MINUTE_MS);
    assert_eq!(place.store.incident(1).unwrap().state, "open", "it came back");
    assert_eq!(place.store.incidents_list(None, 10).unwrap().len(), 1);

    let events = place.store.incident_events(1).unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["opened", "clock", "alert", "state", "alert", "state"]);
    let text =
        review(&place.store.incident(1).unwrap(), &events, &place.store.alerts_of_incident(1).unwrap());
    assert!(text.contains("**too late**") && text.contains("nobody took it in time"), "{text}");
}

#[test]
fn alerts_that_one_runbook_mends_are_one_incident() {
    let mut place = Place::new(&[]);
    let failed = |place: &Place| {
        (0..40).for_each(|_| place.registry.count(&list::HTTP_REQUESTS, ["GET", "/v1/status", "500"]));
    };
    for _ in 0..8 {
        failed(&place);
        place.pass(MINUTE_MS);
    }
    let first = place.store.incident(1).unwrap();
    assert_eq!((first.runbook.as_str(), first.priority), ("high-error-rate", 1));
    for _ in 0..2 {
        (0..20).for_each(|_| place.registry.count(&list::ANSWERS, ["extractive", "failed"]));
        failed(&place);
        place.pass(5 * MINUTE_MS);
    }
    let rules: Vec<String> =
        place.store.alerts_of_incident(1).unwrap().into_iter().map(|alert| alert.rule).collect();
    assert!(rules.contains(&"failed-answers".to_owned()), "{rules:?}");
    assert_eq!(place.store.incidents_list(None, 10).unwrap().len(), 1);
    let incident = place.store.incident(1).unwrap();
    assert_eq!(incident.state, "open");
}

#[test]
fn an_incident_opened_by_hand_is_told_at_once() {
    let hook = Inbox::start(&[]);
    let one = receiver("hook", "webhook", &format!("url='{}'", hook.url()));
    let place = Place::new(&[format!("notify.receivers=[{one}]")]);
    let now = place.clock.now();
    let new = NewIncident {
        priority: 0,
        title: "smoke",
        rule: None,
        runbook: "",
        opened_at: now,
        respond_by: None,
    };
    let opened = vec![incident_open(&new), incident_event(Which::Newest, now, "opened", "ada", "smoke")];
    let number = place.store.incident_begin(opened).unwrap();
    let row = place.store.incident(number).unwrap();
    place.store.db().batch(told_by_hand(&place.store, &place.routes, &row, now)).unwrap();
    place.courier.deliver_due().unwrap();
    assert_eq!(hook.posts()[0].body["incident"], number);
}

/// Ends with the test.
struct Alertmanager(Child, u16);

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Alertmanager {
    /// Nothing where it is not installed.
    fn start(dir: &TempDir) -> Option<Self> {
        let file = dir.path().join("alertmanager.yml");
        std::fs::write(&file, "route: { receiver: none }\nreceivers: [{ name: none }]\n").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = ["prometheus-alertmanager", "alertmanager"].iter().find_map(|program| {
            let mut command = Command::new(program);
            command.arg(format!("--config.file={}", file.display()));
            command.arg(format!("--storage.path={}", dir.path().join("data").display()));
            command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--cluster.listen-address=");
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        })?;
        let this = Self(child, port);
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "Alertmanager does not listen");
            std::thread::yield_now();
        }
        Some(this)
    }

    /// Names of alerts that are active there.
    fn active(&self) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}/api/v2/alerts?active=true", self.1);
        let alerts: serde_json::Value = reqwest::blocking::get(url).unwrap().json().unwrap();
        let name = |alert: &serde_json::Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
        alerts.as_array().unwrap().iter().map(name).collect()
    }
}

#[test]
fn a_real_alertmanager_has_the_alert_while_it_fires() {
    let dir = tempfile::tempdir().unwrap();
    let Some(manager) = Alertmanager::start(&dir) else {
        println!("SKIPPED: Alertmanager is not installed (Debian: prometheus-alertmanager)");
        return;
    };
    let one = receiver("relay", "alertmanager", &format!("url='http://127.0.0.1:{}'", manager.1));
    let mut place = Place::new(&[format!("notify.receivers=[{one}]")]);
    // Alertmanager compares with its own clock, which this one begins three minutes behind.
    place.clock.advance_ms(Clock::system().now().0 - START - 3 * MINUTE_MS);
    place.panicked(1.0);
    place.pass(MINUTE_MS);
    assert_eq!(manager.active(), ["task-panicked"]);
    place.panicked(0.0);
    place.pass(90_000);
    assert!(manager.active().is_empty(), "{:?}", manager.active());
}
