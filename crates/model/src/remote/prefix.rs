//! Words that some embedding models want before a question or a passage, from their model cards.

use crate::Purpose;

/// Part of a model's name, the words before a question, the words before a passage. The first match counts.
const PREFIXES: [(&str, &str, &str); 8] = [
    ("instruct", "", ""),
    ("nomic-embed-text", "search_query: ", "search_document: "),
    ("e5-", "query: ", "passage: "),
    ("mxbai-embed", "Represent this sentence for searching relevant passages: ", ""),
    ("snowflake-arctic-embed", "query: ", ""),
    ("bge-small-en", "Represent this sentence for searching relevant passages: ", ""),
    ("bge-base-en", "Represent this sentence for searching relevant passages: ", ""),
    ("bge-large-en", "Represent this sentence for searching relevant passages: ", ""),
];

/// What to put before a text; empty for models that want nothing or are not known.
pub fn prefix(model: &str, purpose: Purpose) -> &'static str {
    let model = model.to_lowercase();
    let found = PREFIXES.iter().find(|(part, ..)| model.contains(part));
    match (found, purpose) {
        (Some((_, question, _)), Purpose::Question) => question,
        (Some((_, _, passage)), Purpose::Passage) => passage,
        (None, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_models_get_their_words() {
        assert_eq!(prefix("nomic-embed-text:latest", Purpose::Question), "search_query: ");
        assert_eq!(prefix("intfloat/multilingual-E5-small", Purpose::Passage), "passage: ");
        assert_eq!(prefix("bge-small-en-v1.5", Purpose::Passage), "");
    }

    #[test]
    fn others_get_none() {
        assert_eq!(prefix("text-embedding-3-small", Purpose::Question), "");
        assert_eq!(prefix("multilingual-e5-large-instruct", Purpose::Question), "");
    }
}
