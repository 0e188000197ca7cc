//! The store as the index's ground truth.

use ibid_store::{FeedEntry, Store};
use ibid_types::{DocumentId, Error, Result};

use crate::ground::{Change, Ground, Searchable, What};

impl Ground for Store {
    fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>> {
        self.feed_read(after, limit)?.into_iter().map(change).collect()
    }

    fn head(&self) -> Result<i64> {
        self.feed_head()
    }

    fn searchables(
        &self,
        documents: &[DocumentId],
        model: &str,
        chunks_max: usize,
    ) -> Result<Vec<Option<Searchable>>> {
        let found = Self::searchables(self, documents, model, chunks_max)?;
        let own =
            |found: ibid_store::Searchable| Searchable { document: found.document, chunks: found.chunks };
        Ok(found.into_iter().map(|found| found.map(own)).collect())
    }
}

fn change(entry: FeedEntry) -> Result<Change> {
    let what = match entry.kind.as_str() {
        "document" => What::Document(DocumentId::from_bytes(bytes_of(&entry)?)),
        "model" => What::Model(String::from_utf8_lossy(&entry.key).into_owned()),
        "workspace" => What::WorkspaceGone,
        _ => What::Other,
    };
    Ok(Change { position: entry.position, workspace: entry.workspace, what })
}

fn bytes_of(entry: &FeedEntry) -> Result<[u8; 16]> {
    entry.key.as_slice().try_into().map_err(|_| {
        Error::internal(
            "feed_malformed",
            format!("feed entry {} names no document; restore a backup", entry.position),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;

    fn what(kind: &str, key: &[u8]) -> Result<What> {
        let workspace = WorkspaceId::from_bytes([0; 16]);
        change(FeedEntry { position: 1, workspace, kind: kind.into(), key: key.to_vec() })
            .map(|change| change.what)
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        assert_eq!(what("document", &[7; 16]).unwrap(), What::Document(DocumentId::from_bytes([7; 16])));
        assert_eq!(what("model", b"m").unwrap(), What::Model("m".into()));
        assert_eq!(
            (what("workspace", &[]).unwrap(), what("new", &[]).unwrap()),
            (What::WorkspaceGone, What::Other)
        );
        assert_eq!(what("document", b"short").unwrap_err().code, "feed_malformed");
    }
}
