//! Real servers of the Model Context Protocol, over standard input and output and over HTTP.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ibid_config::McpServer;
use ibid_runtime::Shutdown;
use ibid_tools::{McpServers, ToolContext, Toolbox, ToolboxLimits, conformance};
use ibid_types::{Error, Result, Secret, WorkspaceId};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

/// The server of `examples/mcp_server.rs`, which Cargo builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/mcp_server");
    assert!(program.exists(), "build the examples first: cargo test -p ibid-tools --examples");
    program
}

fn server(command: &str, url: &str) -> McpServer {
    McpServer {
        name: "shop".to_owned(),
        command: command.to_owned(),
        args: if command.is_empty() { vec![] } else { vec!["stdio".to_owned()] },
        env: BTreeMap::new(),
        url: url.to_owned(),
        headers: BTreeMap::new(),
        timeout_seconds: 60,
    }
}

fn by_stdio() -> McpServer {
    server(program().to_str().unwrap(), "")
}

/// A server on a port, ended with the test.
struct Web(Child, String);

impl Web {
    fn start(address: &str, key: Option<&str>) -> Self {
        let mut command = Command::new(program());
        command.args(["http", address]).stdout(Stdio::piped());
        key.map(|key| command.env("WORKSHOP_KEY", key));
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }

    fn config(&self) -> McpServer {
        server("", &format!("http://{}/mcp", self.1))
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A toolbox with one server. The servers go first, so that nothing outlives the test.
struct Shop {
    servers: McpServers,
    toolbox: Toolbox,
}

impl Shop {
    fn open(config: &McpServer) -> Self {
        let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 8, result_bytes_max: 1 << 20 });
        let servers = McpServers::attach(std::slice::from_ref(config), &mut toolbox).unwrap();
        Self { servers, toolbox }
    }

    fn call_within(&self, tool: &str, input: Value, timeout: Duration) -> Result<Value> {
        let context = ToolContext::new(WorkspaceId::new(), "run-1/step-2", timeout);
        self.toolbox.call(&format!("shop.{tool}"), &input, &["shop.*".to_owned()], &context)
    }

    fn call(&self, tool: &str, input: Value) -> Result<Value> {
        self.call_within(tool, input, LONG)
    }

    fn refusal(&self, tool: &str, input: Value) -> Error {
        self.call(tool, input).unwrap_err()
    }

    fn names(&self) -> Vec<String> {
        let listing = self.toolbox.list(&["shop.*".to_owned()], LONG);
        listing.tools.into_iter().map(|spec| spec.name).collect()
    }

    fn process(&self) -> u64 {
        self.call("process", json!({})).unwrap()["id"].as_u64().unwrap()
    }
}

/// Looks again until it holds, for a minute at most.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let waiting = Shutdown::new();
    let mut looks = 0..6_000;
    assert!(looks.any(|_| holds() || waiting.wait_timeout(Duration::from_millis(10))), "{what} did not come");
}

/// What holds over both transports.
fn serves(shop: &Shop) {
    let names = shop.names();
    assert!(
        names.contains(&"shop.echo".to_owned()) && names.contains(&"shop.process".to_owned()),
        "{names:?}"
    );
    assert!(
        !names.contains(&"shop.faulty_schema".to_owned()),
        "a tool whose input cannot be checked is left out"
    );
    assert_eq!(shop.call("echo", json!({"text": "Größe"})).unwrap(), json!({"text": "Größe"}));
    assert_eq!(shop.call("add", json!({"a": 1, "b": 2.5})).unwrap(), json!({"sum": 3.5}));
    assert_eq!(shop.call("count", json!({})).unwrap()["key"], json!("run-1/step-2"));
    let failed = shop.refusal("fail", json!({}));
    assert_eq!(
        (failed.code, failed.message.contains("the hammer is missing")),
        ("tool_failed", true),
        "{failed}"
    );
    assert!(shop.refusal("ecko", json!({})).message.contains("'shop.echo'"));
    assert_eq!(
        shop.call_within("hang", json!({}), Duration::from_millis(300)).unwrap_err().code,
        "tool_timeout"
    );
    assert!(shop.call("echo", json!({"text": "still there"})).is_ok());
    shop.call("grow", json!({})).unwrap();
    eventually("the new tool", || shop.names().contains(&"shop.extra".to_owned()));
    assert!(shop.call("extra", json!({})).is_ok());
}

fn conforms(shop: &Shop) {
    let tool = |name: &str| shop.toolbox.tool(name, LONG).unwrap();
    assert!(!tool("shop.echo").spec().has_side_effects && tool("shop.add").spec().has_side_effects);
    conformance::check(
        &tool("shop.echo"),
        &json!({"text": "a"}),
        &[(json!({"text": 1}), "/text"), (json!({}), "/")],
    );
    conformance::check(&tool("shop.add"), &json!({"a": 1, "b": 2}), &[(json!({"a": 1, "b": "2"}), "/b")]);
}

#[test]
fn a_program_serves() {
    serves(&Shop::open(&by_stdio()));
}

#[test]
fn an_address_serves() {
    let web = Web::start("127.0.0.1:0", None);
    serves(&Shop::open(&web.config()));
}

#[test]
fn tools_of_a_program_conform() {
    conforms(&Shop::open(&by_stdio()));
}

#[test]
fn tools_of_an_address_conform() {
    let web = Web::start("127.0.0.1:0", None);
    conforms(&Shop::open(&web.config()));
}

#[test]
fn a_program_that_dies_is_started_again() {
    let shop = Shop::open(&by_stdio());
    let first = shop.process();
    assert_eq!(shop.refusal("die", json!({})).code, "mcp_unavailable");
    assert_ne!(shop.process(), first);
}

#[test]
fn a_program_that_keeps_dying_is_left_alone_for_a_while() {
    let shop = Shop::open(&by_stdio());
    let paused = (0..6).any(|_| shop.refusal("die", json!({})).message.contains("tried again in"));
    assert!(paused, "it was started again and again");
    eventually("the next attempt", || shop.call("process", json!({})).is_ok());
}

#[test]
fn what_is_not_there_costs_nothing_until_it_is_called() {
    for config in
        [server("/nowhere/mcp-server", ""), server("/bin/true", ""), server("", "http://127.0.0.1:1/mcp")]
    {
        let shop = Shop::open(&config);
        assert!(shop.toolbox.check_name("shop.echo").is_ok());
        assert_eq!(shop.refusal("echo", json!({})).code, "mcp_unavailable");
        let listing = shop.toolbox.list(&["shop.*".to_owned()], LONG);
        assert_eq!((listing.tools.len(), listing.problems[0].code), (0, "mcp_unavailable"));
    }
}

#[test]
fn a_program_that_says_nothing_does_not_hold_its_caller() {
    let mut config = server("/bin/sleep", "");
    config.args = vec!["600".to_owned()];
    let error = Shop::open(&config).call_within("echo", json!({}), Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.code, "mcp_unavailable");
}

#[test]
fn a_program_gets_its_own_environment_and_not_ours() {
    let mut config = by_stdio();
    config.env.insert("TOKEN".to_owned(), Secret::new("hunter2".to_owned()));
    let environment = Shop::open(&config).call("environment", json!({})).unwrap();
    assert_eq!(environment["TOKEN"], json!("hunter2"));
    assert!(environment.get("PATH").is_some());
    assert!(
        std::env::var_os("CARGO_MANIFEST_DIR").is_some() && environment.get("CARGO_MANIFEST_DIR").is_none()
    );
}

#[test]
fn no_program_is_left_behind() {
    let is_gone = |id: u64| {
        // A program that ended and was not waited for yet is `Z`.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !Path::new(&format!("/proc/{id}")).exists() || stat.contains(") Z ")
    };
    let shop = Shop::open(&by_stdio());
    let closed = shop.process();
    shop.servers.close(LONG);
    eventually("the end of a closed program", || is_gone(closed));
    assert_eq!(shop.refusal("echo", json!({"text": "a"})).code, "mcp_unavailable");
    let shop = Shop::open(&by_stdio());
    let dropped = shop.process();
    drop(shop);
    eventually("the end of a dropped program", || is_gone(dropped));
}

#[test]
fn a_key_opens_an_address_and_is_never_told() {
    let web = Web::start("127.0.0.1:0", Some("hunter2"));
    let with_key = |key: &str| {
        let mut config = web.config();
        config.headers.insert("x-key".to_owned(), Secret::new(key.to_owned()));
        Shop::open(&config).call("echo", json!({"text": "open"}))
    };
    assert!(with_key("hunter2").is_ok());
    let error = with_key("hunter3").unwrap_err();
    assert_eq!(error.code, "mcp_unavailable");
    assert!(!error.chain().contains("hunter3"), "{}", error.chain());
}

#[test]
fn a_header_that_http_forbids_is_told_at_once() {
    let mut config = server("", "http://127.0.0.1:1/mcp");
    config.headers.insert("x-key".to_owned(), Secret::new("hunter2\r\nx-more: 1".to_owned()));
    let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 1, result_bytes_max: 1 });
    let error = McpServers::attach(&[config], &mut toolbox).unwrap_err();
    assert_eq!((error.code, error.message.contains("hunter2")), ("mcp_header_invalid", false));
}

#[test]
fn an_address_that_comes_back_is_used_again() {
    let web = Web::start("127.0.0.1:0", None);
    let (shop, address) = (Shop::open(&web.config()), web.1.clone());
    let first = shop.process();
    drop(web);
    assert_eq!(shop.refusal("process", json!({})).code, "mcp_unavailable");
    let _web = Web::start(&address, None);
    eventually("the server", || shop.call("process", json!({})).is_ok());
    assert_ne!(shop.process(), first);
}
