//! The server from outside: the API, its errors, its limits, who may connect.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};

use ibid_testkit::{Home, Server, answer};
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn upload(server: &Server, name: &str, text: &str) -> (u16, Value) {
    let part = Part::text(text.to_owned()).file_name(name.to_owned());
    answer(
        server
            .http
            .post(format!("{}/v1/documents", server.base))
            .multipart(Form::new().part("file", part))
            .send()
            .unwrap(),
    )
}

/// Uploads and waits, over the stream of events, until the jobs have ended.
fn ingest(server: &Server, name: &str, text: &str) -> Value {
    let (status, accepted) = upload(server, name, text);
    assert_eq!(status, 202, "{accepted}");
    let batch = accepted["batch"].as_str().unwrap();
    let stream = server.http.get(format!("{}/v1/jobs/events?batch={batch}", server.base)).send().unwrap();
    let lines: Vec<String> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    assert!(lines.iter().any(|line| line == "event: done"), "{lines:?}");
    server.get(&format!("/v1/jobs?batch={batch}")).1["jobs"][0].clone()
}

#[test]
fn an_uploaded_document_is_found_shown_and_deleted() {
    let home = home();
    let server = home.serve(&[]);
    let job = ingest(&server, "boats.md", "# Boats\n\nThe Kittiwake has two engines of forty horsepower.\n");
    assert_eq!(job["state"], "done", "{job}");
    let (_, answer) = server.post("/v1/ask", &json!({ "question": "How many engines has the Kittiwake?" }));
    let citation = &answer["citations"][0];
    assert_eq!(citation["heading_path"], json!(["Boats"]), "{answer}");
    let (document, version) = (citation["document"].as_str().unwrap(), citation["version"].as_str().unwrap());
    let span = format!("start_byte={}&end_byte={}", citation["start_byte"], citation["end_byte"]);
    let (status, passage) =
        server.get(&format!("/v1/documents/{document}/versions/{version}/passage?{span}"));
    assert_eq!((status, &passage["quote"]), (200, &citation["quote"]), "{passage}");
    let original =
        server.http.get(format!("{}/v1/documents/{document}/content", server.base)).send().unwrap();
    assert!(original.text().unwrap().starts_with("# Boats"));
    let deleted = server.http.delete(format!("{}/v1/documents/{document}", server.base)).send().unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(server.get(&format!("/v1/documents/{document}")).0, 404);
    assert_eq!(server.post("/v1/search", &json!({ "query": "Kittiwake" })).1["hits"], json!([]));
}

#[test]
fn an_answer_streams_its_steps_tokens_and_citations() {
    let home = home();
    let server = home.serve(&[]);
    let _ = ingest(&server, "a.txt", "The bakery opens at six in the morning.");
    let body = json!({ "question": "When does the bakery open?", "stream": true });
    let stream = server.http.post(format!("{}/v1/ask", server.base)).json(&body).send().unwrap();
    let events: Vec<String> = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("event: ").map(ToOwned::to_owned))
        .collect();
    for name in ["step", "token", "citation"] {
        assert!(events.iter().any(|event| event == name), "{events:?}");
    }
    assert_eq!(events.last().map(String::as_str), Some("done"));
}

#[test]
fn errors_have_one_shape() {
    let home = home();
    let server = home.serve(&[]);
    let unknown = "/v1/documents/00000000-0000-7000-8000-000000000000";
    for (status, (got, body), code) in [
        (404, server.get(unknown), "document_unknown"),
        (404, server.get("/v1/nothing"), "route_unknown"),
        (405, server.post("/v1/status", &json!({})), "method_unknown"),
        (400, server.get("/v1/documents?limit=0"), "value_out_of_range"),
        (400, server.post("/v1/ask", &json!({ "question": "" })), "question_empty"),
        (400, server.post("/v1/ask", &json!({ "query": "x" })), "request_malformed"),
        (400, server.post("/v1/search", &json!({ "query": "x", "mode": "magic" })), "value_unknown"),
        (
            404,
            server.post(
                "/v1/chat/completions",
                &json!({ "model": "x", "messages": [{ "role": "user", "content": "y" }] }),
            ),
            "model_unknown",
        ),
    ] {
        assert_eq!((got, &body["error"]["code"]), (status, &code.into()), "{body}");
        assert!(body["error"]["request_id"].is_string() && body["error"]["message"].is_string(), "{body}");
    }
}

#[test]
fn a_request_that_is_too_large_is_refused() {
    let home = home();
    let server =
        home.serve(&["--set", "server.request_bytes_max=2000", "--set", "server.upload_bytes_max=5000"]);
    let (status, body) = server.post("/v1/ask", &json!({ "question": "x".repeat(3000) }));
    assert_eq!((status, &body["error"]["code"]), (400, &"request_too_large".into()));
    let (status, body) = upload(&server, "a.txt", &"word ".repeat(2000));
    assert_eq!((status, &body["error"]["code"]), (400, &"request_too_large".into()));
}

#[test]
fn the_page_and_the_description_are_served() {
    let home = home();
    let server = home.serve(&[]);
    let page = server.http.get(&server.base).send().unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    assert!(page.text().unwrap().contains("<title>Ibid"));
    let docs = server.http.get(format!("{}/docs", server.base)).send().unwrap();
    assert!(docs.text().unwrap().contains("<title>Ibid"), "/docs leads to the page");
    let (_, description) = server.get("/openapi.json");
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/v1/ask",
        "/v1/search",
        "/v1/documents",
        "/v1/documents/{id}",
        "/v1/jobs/events",
        "/v1/chat/completions",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.as_str().unwrap().contains("ibid_http_requests_total"));
}

#[test]
fn openai_endpoints_answer_in_their_shape() {
    let home = home();
    let server = home.serve(&[]);
    let _ = ingest(&server, "a.txt", "The bakery opens at six in the morning.");
    let request = json!({ "model": "ibid", "messages": [{ "role": "user", "content": "When does the bakery open?" }], "temperature": 0.1 });
    let (status, completion) = server.post("/v1/chat/completions", &request);
    assert_eq!(status, 200, "{completion}");
    let message = &completion["choices"][0]["message"];
    assert!(message["content"].as_str().unwrap().contains("six"), "{completion}");
    assert_eq!(message["annotations"][0]["type"], "file_citation");
    let (_, vectors) = server.post("/v1/embeddings", &json!({ "model": "ibid", "input": ["one", "two"] }));
    assert_eq!(vectors["data"][1]["embedding"].as_array().unwrap().len(), 384);
    assert!(server.get("/v1/models").1["data"].as_array().unwrap().iter().any(|model| model["id"] == "ibid"));
}

#[test]
fn work_goes_on_after_a_kill() {
    let home = home();
    let server = home.serve(&[]);
    for number in 0..20 {
        assert_eq!(
            upload(&server, &format!("{number}.txt"), &format!("Buoy number {number} is painted green.")).0,
            202
        );
    }
    server.kill();
    let server = home.serve(&[]);
    let stream = server.http.get(format!("{}/v1/jobs/events", server.base)).send().unwrap();
    assert!(BufReader::new(stream).lines().map_while(Result::ok).any(|line| line == "event: done"));
    let (_, list) = server.get("/v1/documents?status=ready");
    assert_eq!(list["total"], 20, "{list}");
}

#[test]
fn a_stream_counts_as_work_until_its_end() {
    let home = home();
    let server = home.serve(&["--set", "server.requests_concurrent_max=1"]);
    let _ = upload(&server, "a.txt", "The bakery opens at six.");
    let body = json!({ "question": "When does the bakery open?", "stream": true });
    let stream = server.http.post(format!("{}/v1/ask", server.base)).json(&body).send().unwrap();
    let whole = stream.text().unwrap();
    assert!(whole.contains("event: done"), "{whole}");
    let (status, _) = server.get("/v1/status");
    assert_eq!(status, 200, "the permit came back with the stream's end");
}
