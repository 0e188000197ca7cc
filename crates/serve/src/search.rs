//! The retriever, as the answering side sees it.

use std::sync::Arc;

use ibid_retrieve::Retriever;
use ibid_types::search::{Found, Hit, Request};
use ibid_types::{ChunkId, Result, WorkspaceId};

/// Passes searches through.
#[derive(Debug)]
pub struct Port {
    retriever: Arc<Retriever>,
}

impl Port {
    pub const fn new(retriever: Arc<Retriever>) -> Self {
        Self { retriever }
    }
}

impl ibid_chat::Search for Port {
    fn search(&self, request: &Request) -> Result<Found> {
        self.retriever.search(request)
    }

    fn read(&self, workspace: WorkspaceId, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        self.retriever.read(workspace, chunks)
    }
}
