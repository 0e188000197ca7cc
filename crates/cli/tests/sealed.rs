//! With a key nothing of a conversation can be read from the files; without it the program says which key is missing.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use ibid_testkit::{Home, Server};
use serde_json::{Value, json};

const SECRET: &str = "pelican lighthouse";
const OLD: &str = r#"{id=1,key="1111111111111111111111111111111111111111111111111111111111111111"}"#;
const NEW: &str = r#"{id=2,key="2222222222222222222222222222222222222222222222222222222222222222"}"#;
/// Another key under the id of the old one.
const WRONG: &str = r#"{id=1,key="3333333333333333333333333333333333333333333333333333333333333333"}"#;
const ECHO: &str = "name: echo\ninput: {question: text}\nnodes: {wait: {kind: wait, with: {seconds: 0}}}\noutput: \
                    {answer: '{{ question }}'}\n";

fn serve(home: &Home, keys: &[&str]) -> Server {
    home.serve(&["--set", &format!("flow.keys=[{}]", keys.join(","))])
}

fn put(server: &Server, path: &str, body: &Value) -> u16 {
    server.http.put(format!("{}{path}", server.base)).json(body).send().unwrap().status().as_u16()
}

/// A thread that holds the secret in its title, question, answer and feedback.
fn talk(server: &Server) -> String {
    assert!(put(server, "/v1/flows/echo", &json!({ "source": ECHO })) < 300);
    let thread = server.post("/v1/threads", &json!({})).1["id"].as_str().unwrap().to_owned();
    let question = json!({ "question": format!("Where is the {SECRET}?"), "flow": "echo" });
    let (status, turn) = server.post(&format!("/v1/threads/{thread}/turns"), &question);
    assert_eq!((status, turn["status"].as_str()), (200, Some("finished")), "{turn}");
    let feedback = json!({ "rating": -1, "reason": SECRET, "correction": SECRET });
    assert_eq!(put(server, &format!("/v1/turns/{}/feedback", turn["id"].as_str().unwrap()), &feedback), 200);
    thread
}

/// Whether a file of the data directory holds the secret.
fn is_shown(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() { is_shown(&path) } else { holds(&std::fs::read(path).unwrap_or_default()) }
    })
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
}

fn assert_whole(server: &Server, thread: &str) {
    let (status, turns) = server.get(&format!("/v1/threads/{thread}/turns"));
    assert_eq!(status, 200, "{turns}");
    let turn = &turns["turns"][0];
    assert!(turn["question"].as_str().unwrap().contains(SECRET), "{turn}");
    assert!(turn["answer"]["text"].as_str().unwrap().contains(SECRET), "{turn}");
    assert_eq!(turn["feedback"]["correction"], SECRET);
    let found = server.get("/v1/threads?text=LIGHTHOUSE").1;
    assert_eq!(found["threads"][0]["id"], thread, "{found}");
}

#[test]
fn nothing_of_a_conversation_can_be_read_from_the_files() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let server = serve(&home, &[OLD]);
    let thread = talk(&server);
    assert_whole(&server, &thread);
    assert!(!is_shown(home.path()));
    assert_eq!(server.stop(), 0);
    assert!(!is_shown(home.path()));
    for keys in [[].as_slice(), &[WRONG], &[NEW]] {
        let server = serve(&home, keys);
        // What is sealed begins with that character, so a search that does not open it finds it all the same.
        for path in ["/v1/threads", &format!("/v1/threads/{thread}"), "/v1/threads?text=%01"] {
            let (status, body) = server.get(path);
            assert_eq!((status, &body["error"]["code"]), (503, &json!("checkpoint_key_missing")), "{body}");
            assert!(body["error"]["message"].as_str().unwrap().contains("key 1"), "{body}");
        }
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn conversations_come_under_a_new_key() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let server = serve(&home, &[]);
    let thread = talk(&server);
    assert_eq!(server.stop(), 0);
    assert!(is_shown(home.path()));
    change_key(&home, &thread, &[OLD], &[OLD]);
    change_key(&home, &thread, &[NEW, OLD], &[NEW]);
}

/// Serves with the keys of a change until those after it are enough; the change goes on where a stop cut it.
fn change_key(home: &Home, thread: &str, during: &[&str], after: &[&str]) {
    let came = (0..50).any(|_| {
        let server = serve(home, during);
        assert_whole(&server, thread);
        assert_eq!(server.stop(), 0);
        let server = serve(home, after);
        // Column by column they come: the texts of turns after the titles of threads.
        let is_open = [format!("/v1/threads/{thread}/turns"), "/v1/threads?text=LIGHTHOUSE".to_owned()]
            .iter()
            .all(|path| server.get(path).0 == 200);
        if is_open {
            assert_whole(&server, thread);
        }
        assert_eq!(server.stop(), 0);
        is_open
    });
    assert!(came, "the conversation did not come under the new key");
}
