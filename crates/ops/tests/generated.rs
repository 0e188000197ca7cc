//! What is made from the lists of this crate is what is in the repository. `IBID_WRITE=1` writes it anew.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

fn check(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("IBID_WRITE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == made,
        "{} is not what the program makes; run `IBID_WRITE=1 cargo test -p ibid-ops --test generated`",
        path.display()
    );
}

#[test]
fn the_manual_lists_the_metrics() {
    check("docs/metrics.md", &ibid_ops::metric::manual());
}

#[test]
fn the_dashboards_of_the_repository_are_those_of_the_program() {
    for (name, text) in ibid_ops::dashboard::files() {
        check(&format!("deploy/grafana/{name}"), &text);
    }
}

#[test]
fn the_recording_rules_of_the_repository_are_those_of_the_program() {
    check("deploy/prometheus/recording.yml", &ibid_ops::dashboard::recording_rules());
}

#[test]
fn the_alert_rules_of_the_repository_are_those_of_the_program() {
    let config = ibid_config::Layers::defaults().unwrap().finish().unwrap().0;
    let rules = ibid_ops::alert::rules(&config).unwrap();
    check("deploy/prometheus/alerts.yml", &ibid_ops::alert::to_prometheus(&rules));
}
