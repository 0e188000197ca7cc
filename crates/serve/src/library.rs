//! The workspace's texts, as the tools of flows see them, and the tools that there are.

use std::sync::Arc;
use std::time::Duration;

use ibid_config::Config;
use ibid_retrieve::Retriever;
use ibid_runtime::Clock;
use ibid_store::Store;
use ibid_tools::{
    Calculator, CurrentTime, DocumentText, HttpGet, HttpRequest, McpServers, Passage, ReadDocument,
    SearchDocuments, SystemLookup, Toolbox, ToolboxLimits,
};
use ibid_types::access::Reader;
use ibid_types::search::{Filter, Hit, Mode, Request};
use ibid_types::{DocumentId, Error, Result, WorkspaceId};

/// All tools, and what must be ended with them.
#[derive(Debug)]
pub struct Tools {
    pub toolbox: Arc<Toolbox>,
    servers: Option<McpServers>,
}

impl Tools {
    /// The built-in tools and the servers that the configuration names; nothing is connected to yet.
    pub fn open(config: &Config, clock: &Clock, library: Library) -> Result<Self> {
        let tools = &config.tools;
        let mut toolbox = Toolbox::new(ToolboxLimits {
            concurrent_max: tools.concurrent_max,
            result_bytes_max: tools.result_bytes_max,
        });
        let library = Arc::new(library);
        toolbox.add(Arc::new(SearchDocuments::new(library.clone())?))?;
        toolbox.add(Arc::new(ReadDocument::new(library)?))?;
        toolbox.add(Arc::new(Calculator::new()?))?;
        toolbox.add(Arc::new(CurrentTime::new(clock.clone())?))?;
        let timeout = Duration::from_secs(tools.http_seconds_max);
        let web = HttpGet::new(&tools.http_hosts, tools.http_bytes_max, timeout, Arc::new(SystemLookup))?;
        let web = Arc::new(web);
        toolbox.add(Arc::clone(&web) as Arc<dyn ibid_tools::Tool>)?;
        toolbox.add(Arc::new(HttpRequest::new(web)?))?;
        let has_servers = !tools.mcp.is_empty();
        let servers = has_servers.then(|| McpServers::attach(&tools.mcp, &mut toolbox)).transpose()?;
        Ok(Self { toolbox: Arc::new(toolbox), servers })
    }

    /// Ends the programs that serve tools.
    pub fn close(&self, patience: Duration) {
        if let Some(servers) = &self.servers {
            servers.close(patience);
        }
    }
}

/// Searches and reads within one workspace.
#[derive(Debug)]
pub struct Library {
    retriever: Arc<Retriever>,
    store: Store,
}

impl Library {
    pub const fn new(retriever: Arc<Retriever>, store: Store) -> Self {
        Self { retriever, store }
    }
}

impl ibid_tools::Library for Library {
    fn search(
        &self,
        workspace: WorkspaceId,
        reader: Reader,
        query: &str,
        limit: usize,
    ) -> Result<Vec<Passage>> {
        let found = self.retriever.search(&Request {
            workspace,
            reader,
            query: query.to_owned(),
            mode: Mode::Hybrid,
            filter: Filter::default(),
            limit,
        })?;
        Ok(found.hits.into_iter().map(passage).collect())
    }

    fn read(
        &self,
        workspace: WorkspaceId,
        reader: Reader,
        document: DocumentId,
        from_char: usize,
        chars_max: usize,
    ) -> Result<DocumentText> {
        let unknown = || {
            Error::not_found("document_unknown", format!("there is no document {document} in this workspace"))
        };
        let readable = self.store.readable(workspace, reader)?;
        let found = self.store.document_find(workspace, document)?;
        let found = found.filter(|(document, _)| readable.holds(&document.readers));
        let (found, version) = found.ok_or_else(unknown)?;
        let text = version.map_or_else(|| Ok(String::new()), |version| self.store.text_of(version.id))?;
        Ok(DocumentText {
            document,
            title: found.title,
            text: text.chars().skip(from_char).take(chars_max).collect(),
            from_char,
            chars_total: text.chars().count(),
        })
    }
}

fn passage(hit: Hit) -> Passage {
    Passage {
        document: hit.chunk.document,
        title: hit.title,
        from_char: hit.chunk.span.start_char,
        text: hit.chunk.text,
        score: hit.score,
    }
}
