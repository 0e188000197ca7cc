//! The program of a server that speaks on its standard input and output.
//!
//! Keeps true: it gets no variable of our environment but the harmless ones, so no key of ours; it and whatever it
//! started end when the guard is dropped.

use std::process::Stdio;

use ibid_config::McpServer;
use ibid_types::{Error, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// What programs need to find themselves; nothing here is secret.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// The longest line of standard error that is logged whole.
const LOG_LINE_BYTES_MAX: u64 = 8 * 1024;

/// A running program, leader of a process group of its own.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    group: Option<Pid>,
}

impl Program {
    /// Starts the configured command; its standard error goes to the log.
    pub(super) fn start(config: &McpServer) -> Result<(Self, ChildStdout, ChildStdin)> {
        let mut child = command(config).spawn().map_err(|error| {
            let what =
                format!("the command '{}' of MCP server '{}' cannot be started", config.command, config.name);
            Error::unavailable("mcp_unavailable", what).caused_by(error)
        })?;
        let (Some(output), Some(input), Some(complaints)) =
            (child.stdout.take(), child.stdin.take(), child.stderr.take())
        else {
            return Err(Error::internal("mcp_runtime", "a program was started without pipes"));
        };
        tokio::spawn(log_lines(config.name.clone(), complaints));
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok((Self { child, group }, output, input))
    }

    /// Waits until the program has ended by itself.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }
}

impl Drop for Program {
    /// Also ends what the program itself started, such as the server behind an `npx`.
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn command(config: &McpServer) -> Command {
    let mut command = Command::new(&config.command);
    command.args(&config.args).env_clear().kill_on_drop(true).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in &config.env {
        command.env(name, value.reveal());
    }
    command
}

/// Logs line by line until the end; a line that is too long comes in parts.
async fn log_lines(server: String, complaints: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(complaints);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LOG_LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                tracing::debug!(server, line = %String::from_utf8_lossy(line.trim_ascii_end()), "mcp server says")
            }
        }
    }
}
