//! The built-in tools as a flow sees them: through a toolbox.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_tools::{
    Calculator, CurrentTime, DocumentText, Library, Passage, ReadDocument, SearchDocuments, Tool, Toolbox,
    ToolboxLimits, add_built_in, conformance,
};
use ibid_types::access::Reader;
use ibid_types::{DocumentId, Error, Result, WorkspaceId};
use serde_json::json;

/// One document of ten characters in the workspace of the conformance suite.
#[derive(Debug)]
struct Shelf(DocumentId);

const TEXT: &str = "äbcdefghij";

impl Library for Shelf {
    fn search(&self, workspace: WorkspaceId, _: Reader, query: &str, limit: usize) -> Result<Vec<Passage>> {
        assert_eq!(workspace, WorkspaceId::from_bytes([7; 16]));
        let passage = Passage {
            document: self.0,
            title: "letters".into(),
            text: query.into(),
            score: 0.5,
            from_char: 3,
        };
        Ok(vec![passage; limit])
    }

    fn read(
        &self,
        _: WorkspaceId,
        _: Reader,
        document: DocumentId,
        from_char: usize,
        chars_max: usize,
    ) -> Result<DocumentText> {
        if document != self.0 {
            return Err(Error::not_found("document_unknown", "there is no such document"));
        }
        let text = TEXT.chars().skip(from_char).take(chars_max).collect();
        Ok(DocumentText {
            document,
            title: "letters".into(),
            text,
            from_char,
            chars_total: TEXT.chars().count(),
        })
    }
}

fn shelf() -> Arc<Shelf> {
    Arc::new(Shelf(DocumentId::from_bytes([1; 16])))
}

fn search() -> Arc<dyn Tool> {
    Arc::new(SearchDocuments::new(shelf()).unwrap())
}

fn read() -> Arc<dyn Tool> {
    Arc::new(ReadDocument::new(shelf()).unwrap())
}

#[test]
fn calculator_conforms() {
    let tool: Arc<dyn Tool> = Arc::new(Calculator::new().unwrap());
    let wrong = [
        (json!({}), "/"),
        (json!({"expression": 4}), "/expression"),
        (json!({"expression": "1", "x": 1}), "/"),
    ];
    conformance::check(&tool, &json!({"expression": "6 * 7"}), &wrong);
}

#[test]
fn current_time_conforms() {
    let tool: Arc<dyn Tool> = Arc::new(CurrentTime::new(Clock::system()).unwrap());
    conformance::check(&tool, &json!({"zone": "Asia/Tokyo"}), &[(json!({"zone": 1}), "/zone")]);
}

#[test]
fn search_conforms_and_keeps_to_its_limit() {
    let wrong =
        [(json!({"query": "a", "limit": 0}), "/limit"), (json!({"query": "a", "limit": 21}), "/limit")];
    conformance::check(&search(), &json!({"query": "a", "limit": 2}), &wrong);
    let count = |input| conformance::call(&search(), &input).unwrap()["passages"].as_array().unwrap().len();
    assert_eq!((count(json!({"query": "a"})), count(json!({"query": "a", "limit": 2.0}))), (5, 2));
    assert_eq!(conformance::call(&search(), &json!({"query": "  "})).unwrap_err().code, "query_empty");
}

#[test]
fn reading_conforms_and_goes_on_where_it_stopped() {
    let id = DocumentId::from_bytes([1; 16]).to_string();
    let wrong = [
        (json!({"document": "../etc"}), "/document"),
        (json!({"document": id, "from_char": -1}), "/from_char"),
    ];
    conformance::check(&read(), &json!({"document": id}), &wrong);
    let mut text = String::new();
    let mut next = json!(0);
    while !next.is_null() {
        let part =
            conformance::call(&read(), &json!({"document": id, "from_char": next, "chars_max": 4})).unwrap();
        text.push_str(part["text"].as_str().unwrap());
        next = part["next_char"].clone();
    }
    assert_eq!(text, TEXT);
}

#[test]
fn an_unknown_document_is_told_as_such() {
    let read = |id: &str| conformance::call(&read(), &json!({"document": id})).unwrap_err().code;
    assert_eq!(read(&DocumentId::from_bytes([2; 16]).to_string()), "document_unknown");
    assert_eq!(read(&"-".repeat(36)), "id_malformed");
}

#[test]
fn the_defaults_give_all_of_them() {
    let config = ibid_config::Layers::defaults().unwrap().finish().unwrap().0.tools;
    let mut toolbox = Toolbox::new(ToolboxLimits::from(&config));
    add_built_in(&mut toolbox, &config, shelf(), Clock::system()).unwrap();
    for name in ["calculator", "current_time", "http_get", "read_document", "search_documents"] {
        assert!(toolbox.check_name(name).is_ok(), "{name}");
    }
}
