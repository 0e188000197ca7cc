//! Living API keys that stand in documents, where whoever asks can read them.

use ibid_api::quality::LeakedKey;
use ibid_types::Result;

use crate::App;

/// Passages that are looked at; more of them hold something that begins like a key only where keys are a subject.
const PASSAGES_MAX: usize = 10_000;
/// How a key begins, and how many digits follow; see `Store::key_create`.
const MARK: &str = "ibid_";
const DIGITS: usize = 64;

/// Each key with a document that holds it, once.
pub fn leaked_keys(app: &App) -> Result<Vec<LeakedKey>> {
    let sql = "SELECT chunks.text, documents.source FROM chunks JOIN documents ON documents.id = chunks.document_id \
               WHERE instr(chunks.text, $1) > 0 LIMIT $2";
    let mut leaked: Vec<LeakedKey> = Vec::new();
    for row in app.store.db().query(sql, &[MARK.into(), PASSAGES_MAX.into()])? {
        let (text, source): (String, String) = (row.get(0)?, row.get(1)?);
        for candidate in candidates(&text) {
            let Some(key) = app.store.key_find(candidate)? else { continue };
            let id = key.id.to_string();
            if leaked.iter().all(|known| known.id != id) {
                leaked.push(LeakedKey { id, name: key.name, prefix: key.prefix, source: source.clone() });
            }
        }
    }
    Ok(leaked)
}

/// What in the text has the shape of a key.
fn candidates(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK).filter_map(move |(start, _)| {
        let candidate = text.get(start..start + MARK.len() + DIGITS)?;
        candidate[MARK.len()..].bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(candidate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_shape_of_a_key_is_looked_up() {
        let key = format!("ibid_{}", "0a".repeat(32));
        let text = format!("see ibid_model and ibid_x: {key}, {key}f or ibid_{}", "é".repeat(40));
        assert_eq!(candidates(&text).collect::<Vec<_>>(), [key.as_str(), key.as_str()]);
    }
}
