//! Servers of tools that speak the Model Context Protocol, over `rmcp`, the official SDK.
//!
//! Keeps true: a server is started or connected to at its first use, never before; what `rmcp` does happens on one
//! thread of our own, and callers wait for it with their own deadline; at the end no program of ours is left running.

mod backoff;
mod bridge;
mod child;
mod connection;
mod offer;
mod server;

use std::sync::Arc;
use std::time::Duration;

use ibid_types::Result;

use crate::Toolbox;
use bridge::Bridge;
use server::McpServer;

/// All configured servers, and the thread that talks to them. Dropping it ends them at once, `close` in order.
#[derive(Debug)]
pub struct McpServers {
    servers: Vec<Arc<McpServer>>,
    bridge: Arc<Bridge>,
}

impl McpServers {
    /// Attaches the servers to the toolbox; none is started or connected to yet.
    ///
    /// # Errors
    /// `mcp_header_invalid`, `mcp_runtime`, `tool_name_taken`.
    pub fn attach(configs: &[ibid_config::McpServer], toolbox: &mut Toolbox) -> Result<Self> {
        let bridge = Arc::new(Bridge::new()?);
        let mut servers = Vec::new();
        for config in configs {
            let server = McpServer::new(config, Arc::clone(&bridge))?;
            toolbox.attach(Arc::new(Arc::clone(&server)))?;
            servers.push(server);
        }
        Ok(Self { servers, bridge })
    }

    /// Ends all connections and programs: those that end when asked get this long each, the others are killed. Blocks.
    pub fn close(&self, patience: Duration) {
        let closing: Vec<_> = self.servers.iter().map(|server| server.close()).collect();
        for closed in closing {
            let _ = closed.recv_timeout(patience);
        }
        self.bridge.stop();
    }
}

impl Drop for McpServers {
    fn drop(&mut self) {
        self.servers.iter().for_each(|server| server.kill());
        self.bridge.stop();
    }
}
