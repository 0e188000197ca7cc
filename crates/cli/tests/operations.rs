//! What operators see of a server: metrics as Prometheus reads them, charts that outlive a restart, traces at a collector,
//! lines of the log.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use ibid_testkit::{ChatProvider, Collector, Home, Server, Span, answer, repository};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn bakery() -> Home {
    let home = home();
    let _ = home.write("bakery.md", "# Bakery\n\nThe bakery opens at six. The manager approves refunds.\n");
    let _ = home.ok(&["ingest", &home.files()]);
    home
}

fn series(server: &Server, asked: &str) -> Value {
    let (status, series) = server.get(&format!("/v1/ops/series?{asked}"));
    assert_eq!(status, 200, "{series}");
    series
}

/// The sum over all points of the first line.
fn sum(series: &Value) -> f64 {
    series["lines"][0]["points"].as_array().unwrap().iter().filter_map(|point| point["value"].as_f64()).sum()
}

/// Whether a Debian package is there. Where the tests are the gate it must be.
fn has(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "{program} is missing; run scripts/setup.sh");
    if !there {
        println!("skipped: {program} is not installed; run scripts/setup.sh");
    }
    there
}

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_scrapes_the_server_and_its_rules_give_values() {
    if !has("prometheus") {
        return;
    }
    let home = home();
    let server = home.serve(&[]);
    let target = server.base.strip_prefix("http://").unwrap();
    let key = home.ok(&["keys", "create", "prometheus", "--role", "auditor"]).out.trim().to_owned();
    let rules = std::fs::read_to_string(repository().join("deploy/prometheus/recording.yml")).unwrap();
    let rules = home.write("rules.yml", rules.replace("interval: 30s", "interval: 1s"));
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n  - job_name: ibid\n    authorization: {{ credentials: {key} }}\n    static_configs: [{{ targets: ['{target}'] }}]\n",
        rules.display()
    );
    let config = home.write("prometheus.yml", config);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _prometheus = Killed(
        Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", home.path().join("tsdb").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let value = |query: &str| -> Option<f64> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let url = format!("http://{address}/api/v1/query?query={encoded}");
        let body = answer(server.http.get(url).send().ok()?).1;
        body.pointer("/data/result/0/value/1")?.as_str()?.parse().ok()
    };
    for query in [
        "up{job=\"ibid\"}",
        "job:ibid_process_cpu:ratio_rate5m",
        "route:ibid_http_requests:rate5m{route=\"/v1/status\"} > 0",
        "route:ibid_http_request_duration_seconds:p95_5m{route=\"/v1/status\"} > 0",
    ] {
        let started = Instant::now();
        let (_open, pause) = channel::<()>();
        while value(query).is_none() {
            assert!(started.elapsed() < Duration::from_secs(90), "{query} has no value");
            let _ = server.get("/v1/status");
            let _ = pause.recv_timeout(Duration::from_millis(300));
        }
    }
    assert_eq!(value("up{job=\"ibid\"}"), Some(1.0));
}

#[test]
fn promtool_finds_no_fault() {
    if !has("promtool") {
        return;
    }
    let home = home();
    let server = home.serve(&[]);
    let _ = server.get("/v1/status");
    let metrics = home.write("metrics.txt", server.get("/metrics").1.as_str().unwrap());
    let check = |arguments: &[&str], input: Option<&std::path::Path>| {
        let mut command = Command::new("promtool");
        command.arg("check").args(arguments);
        if let Some(path) = input {
            command.stdin(std::fs::File::open(path).unwrap());
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    check(&["metrics"], Some(&metrics));
    for entry in std::fs::read_dir(repository().join("deploy/prometheus")).unwrap() {
        check(&["rules", &entry.unwrap().path().display().to_string()], None);
    }
}

#[test]
fn charts_outlive_a_restart() {
    let home = home();
    let server = home.serve(&[]);
    for _ in 0..5 {
        let _ = server.get("/v1/status");
    }
    assert_eq!(server.stop(), 0);
    let server = home.serve(&[]);
    let asked = "name=ibid_http_requests_total&how=increase&route=/v1/status&status=200";
    assert_eq!(sum(&series(&server, asked)), 5.0);
    let memory = series(&server, "name=ibid_process_memory_bytes&how=max");
    assert!(sum(&memory) > 1e6, "{memory}");
    let (status, refused) = server.get("/v1/ops/series?name=ibid_nothing");
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("metric_unknown")));
}

fn named<'a>(spans: &'a [Span], name: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == name)
}

#[test]
fn one_trace_goes_through_request_flow_search_and_model() {
    let home = bakery();
    let provider = ChatProvider::start(|_| vec!["The bakery opens at six [1].".into()]);
    let collector = Collector::start();
    let server = home.serve(&["--set", &provider.setting(), "--set", &collector.setting()]);
    let (_, thread) = server.post("/v1/threads", &json!({}));
    let url = format!("{}/v1/threads/{}/turns", server.base, thread["id"].as_str().unwrap());
    let response = server
        .http
        .post(url)
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .json(&json!({ "question": "When does the bakery open?" }))
        .send()
        .unwrap();
    let told = response.headers()["traceparent"].to_str().unwrap().to_owned();
    assert!(told.starts_with(&format!("00-{TRACE}-")), "{told}");
    let of_trace =
        |spans: &[Span]| -> Vec<Span> { spans.iter().filter(|span| span.trace == TRACE).cloned().collect() };
    let is_whole = |spans: &[Span]| {
        let spans = of_trace(spans);
        ["request", "effect", "search", "chat model"].iter().all(|name| named(&spans, name).is_some())
    };
    let spans = of_trace(&collector.spans_until(is_whole));
    let request = named(&spans, "request").unwrap();
    assert_eq!((request.parent.as_str(), told.contains(&request.span)), (CALLER, true));
    assert_eq!(request.attributes["status"], "200");
    let effect = spans.iter().find(|span| span.name == "effect").unwrap();
    assert_eq!(effect.parent, request.span);
    let model = named(&spans, "chat model").unwrap();
    assert_eq!(
        (model.attributes["provider"].as_str(), model.attributes["completion_tokens"].as_str()),
        ("scripted", "5")
    );
    assert!(spans.iter().any(|span| span.name == "effect" && span.span == model.parent), "{spans:#?}");
    assert!(spans.iter().all(|span| span.start_ns <= span.end_ns));
    let sent = provider.traced();
    assert!(sent.iter().all(|header| header.starts_with(&format!("00-{TRACE}-"))), "{sent:?}");
}

#[test]
fn lines_name_their_request_and_hold_no_secret() {
    let home = home();
    let mut child = home
        .command(&[
            "serve",
            "--address",
            "127.0.0.1:0",
            "--set",
            "log.format=json",
            "--set",
            "log.level=debug",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let child = Killed(child);
    let said = lines.find(|line| line.starts_with("Ibid answers on ")).unwrap();
    let base = said.split(' ').nth(3).unwrap();
    ibid_runtime::set_up_tls();
    let (http, token) = (reqwest::blocking::Client::new(), home.token());
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let url = format!("{base}/v1/documents/{secret}");
    let reply = http.get(url).bearer_auth(&token).header("x-request-id", "mine-1").send().unwrap();
    assert!(reply.status().is_client_error());
    let line: Value = lines
        .by_ref()
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
        .find(|line| line["message"] == "request" && line["request_id"] == "mine-1")
        .unwrap();
    assert_eq!((&line["level"], &line["method"]), (&json!("info"), &json!("GET")));
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    assert_eq!(line["trace_id"].as_str().unwrap().len(), 32);
    assert!(line.as_object().unwrap().values().all(|value| !value.is_object()), "{line}");
    assert!(!line.to_string().contains(&secret), "{line}");
    let put = http.put(format!("{base}/v1/ops/log-level")).bearer_auth(&token);
    let _ = put.json(&json!({ "level": "error" })).send().unwrap();
    let level = http.get(format!("{base}/v1/ops/log-level")).bearer_auth(&token).send().unwrap();
    assert_eq!(answer(level).1["level"], "error");
    let quiet = http.get(format!("{base}/v1/status")).bearer_auth(&token).header("x-request-id", "quiet-1");
    let _ = quiet.send().unwrap();
    drop(child);
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().all(|line| !line.contains("quiet-1") && !line.contains(&secret)), "{rest:?}");
}

#[test]
fn commands_look_at_a_running_server() {
    let home = home();
    let missing = home.run(&["top"]);
    assert_eq!(missing.code, 5, "{missing:?}");
    assert!(missing.err.contains("server_missing"), "{missing:?}");
    let server = home.serve(&[]);
    let _ = server.get("/v1/status");
    let status = home.ok(&["status"]);
    for word in ["documents", "requests", "memory", "disk", "store"] {
        assert!(status.out.contains(word), "{word}: {}", status.out);
    }
    let top = home.ok(&["top", "-n", "1"]);
    assert!(
        top.out.contains("cpu") && top.out.contains("ROUTE") && !top.out.contains('\u{1b}'),
        "{}",
        top.out
    );
    assert_eq!(home.ok(&["log", "level"]).out.trim(), "info");
    assert_eq!(home.ok(&["log", "level", "debug"]).out.trim(), "debug");
    assert_eq!(home.run(&["log", "level", "loud"]).code, 2);
    let folder = home.path().join("grafana").display().to_string();
    let made = home.ok(&["ops", "dashboards", "--into", &folder]);
    assert_eq!(made.out.lines().count(), 5);
}
