//! The section `[tools]`: what flows may reach besides documents and models.
//!
//! Keeps true: nothing outside is reachable until an operator names it.

use std::collections::BTreeMap;

use ibid_types::Secret;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// Hosts, addresses and networks that `http_get` may reach.
    pub http_hosts: Vec<String>,
    /// The most that `http_get` reads of one response.
    pub http_bytes_max: usize,
    /// The longest time of one `http_get` with all its redirects.
    pub http_seconds_max: u64,
    /// Calls of tools at the same time.
    pub concurrent_max: usize,
    /// The largest result of a tool as JSON.
    pub result_bytes_max: usize,
    pub mcp: Vec<McpServer>,
}

/// A server of tools that speaks the Model Context Protocol: a program (`command`) or an address (`url`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// Its tools are `NAME.tool`.
    pub name: String,
    #[serde(default)]
    pub command: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    #[serde(default = "timeout_seconds_usual")]
    pub timeout_seconds: u64,
}

/// What a person still waits for.
const fn timeout_seconds_usual() -> u64 {
    30
}

/// Told to `must` with the key and what would be right.
type Must<'a> = &'a mut dyn FnMut(bool, &str, &str);

impl Tools {
    pub(crate) fn problems(&self, must: Must<'_>) {
        must(self.http_bytes_max >= 1024, "tools.http_bytes_max", "at least 1024");
        must((1..=600).contains(&self.http_seconds_max), "tools.http_seconds_max", "1 to 600");
        must((1..=1024).contains(&self.concurrent_max), "tools.concurrent_max", "1 to 1024");
        must(self.result_bytes_max >= 1024, "tools.result_bytes_max", "at least 1024");
        for (index, host) in self.http_hosts.iter().enumerate() {
            let bare = !host.is_empty() && !host.contains("://") && !host.contains(char::is_whitespace);
            must(
                bare,
                &format!("tools.http_hosts[{index}]"),
                "a host such as example.org, *.example.org, 10.0.0.5:8080 or 10.0.0.0/8",
            );
        }
        for (index, server) in self.mcp.iter().enumerate() {
            let again = self.mcp[..index].iter().any(|other| other.name == server.name);
            let key = |field: &str| format!("tools.mcp[{index}].{field}");
            must(!again, &key("name"), "each server needs a name of its own");
            server.problems(&key, must);
        }
    }
}

impl McpServer {
    fn problems(&self, key: &dyn Fn(&str) -> String, must: Must<'_>) {
        let is_http = self.url.starts_with("http://") || self.url.starts_with("https://");
        must(is_server_name(&self.name), &key("name"), "1 to 32 letters, digits, hyphens or underscores");
        must(
            self.command.is_empty() != self.url.is_empty(),
            &key("command"),
            "give either a command or a url",
        );
        must(self.url.is_empty() || is_http, &key("url"), "an http:// or https:// address");
        must(self.url.is_empty() || self.env.is_empty(), &key("env"), "only a command has an environment");
        must(self.url.is_empty() || self.args.is_empty(), &key("args"), "only a command has arguments");
        must(self.command.is_empty() || self.headers.is_empty(), &key("headers"), "only a url has headers");
        must((1..=3600).contains(&self.timeout_seconds), &key("timeout_seconds"), "1 to 3600");
    }
}

/// Names stand before a dot in the names of tools, which chat providers bound.
fn is_server_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 32 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use crate::{Config, Layers, Shown};

    fn read(flags: &[&str]) -> Result<(Config, Shown), String> {
        let mut layers = Layers::defaults().unwrap();
        flags.iter().for_each(|flag| layers.flag(flag));
        layers.finish().map_err(|error| error.message)
    }

    #[test]
    fn nothing_is_reachable_by_default() {
        let tools = read(&[]).unwrap().0.tools;
        assert!(tools.http_hosts.is_empty() && tools.mcp.is_empty());
    }

    #[test]
    fn servers_are_read_and_their_secrets_not_shown() {
        let (config, shown) = read(&[
            "tools.mcp=[{name='files', command='mcp-files', args=['/srv'], env={TOKEN='hunter2'}}, \
             {name='wiki', url='http://127.0.0.1:9/mcp', headers={Authorization='Bearer hunter2'}, timeout_seconds=5}]",
        ])
        .unwrap();
        assert_eq!((config.tools.mcp[0].timeout_seconds, config.tools.mcp[1].timeout_seconds), (30, 5));
        assert_eq!(config.tools.mcp[0].env["TOKEN"].reveal(), "hunter2");
        assert_eq!(shown["tools.mcp"].0, "[set]");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn all_faults_of_servers_are_told() {
        let told = read(&[
            "tools.http_hosts=['https://example.org']",
            "tools.concurrent_max=0",
            "tools.mcp=[{name='a b'}, {name='w', url='ftp://x', env={A='b'}}, {name='w', command='x', timeout_seconds=0}]",
        ])
        .unwrap_err();
        for key in [
            "tools.http_hosts[0]",
            "tools.concurrent_max",
            "tools.mcp[0].name",
            "tools.mcp[0].command",
            "tools.mcp[1].url",
            "tools.mcp[1].env",
            "tools.mcp[2].name",
            "tools.mcp[2].timeout_seconds",
        ] {
            assert!(told.contains(&format!("{key} (from flag)")), "{key} is not in {told}");
        }
    }
}
