//! Who may do what, tried from outside: every endpoint by every role, the first account, sessions, links, the audit log.
#![allow(clippy::unwrap_used)]

use ibid_serve::{MATRIX, Need};
use ibid_testkit::{Home, Server, answer};
use ibid_types::access::{Permission, Role};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "seven grey herons wade slowly";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// The one-time link that the command prints, as the token in it.
fn token(home: &Home, arguments: &[&str]) -> String {
    home.ok(arguments).out.trim().rsplit('/').next().unwrap().to_owned()
}

fn key(home: &Home, name: &str, role: &str, more: &[&str]) -> String {
    home.ok(&[&["keys", "create", name, "--role", role], more].concat()).out.trim().to_owned()
}

/// A browser that made the first account.
fn owner(home: &Home, server: &Server) -> Client {
    let browser = server.stranger();
    let token = token(home, &["auth", "link"]);
    let (status, me) =
        enter(server, &browser, &json!({ "token": token, "name": "Ada", "password": PASSWORD }));
    assert_eq!((status, &me["name"]), (200, &"ada".into()), "{me}");
    browser
}

fn enter(server: &Server, browser: &Client, request: &Value) -> (u16, Value) {
    answer(browser.post(format!("{}/v1/auth/link", server.base)).json(request).send().unwrap())
}

fn sign_in(server: &Server, browser: &Client, name: &str, password: &str) -> (u16, Value) {
    let request = json!({ "name": name, "password": password });
    answer(browser.post(format!("{}/v1/auth/sign-in", server.base)).json(&request).send().unwrap())
}

/// As our own page asks.
fn page(server: &Server, browser: &Client, method: Method, path: &str) -> RequestBuilder {
    browser.request(method, format!("{}{path}", server.base)).header("Origin", &server.base)
}

fn get(server: &Server, browser: &Client, path: &str) -> (u16, Value) {
    answer(page(server, browser, Method::GET, path).send().unwrap())
}

/// A request to an endpoint that is well formed, about things that are not there.
fn request(server: &Server, key: &str, method: &str, route: &str) -> RequestBuilder {
    let unknown = "01900000-0000-7000-8000-000000000000";
    let path = route
        .replace("{id}", unknown)
        .replace("{user}", unknown)
        .replace("{other}", unknown)
        .replace("{version}", unknown)
        .replace("{number}", "7")
        .replace("{name}", if route.starts_with("/v1/workspaces") { "default" } else { "nothing" });
    let query = match (method, route) {
        ("DELETE", "/v1/grants") => format!("?holder=user:{unknown}"),
        ("GET", "/v1/ops/series") => "?metric=ibid_http_requests_total".to_owned(),
        (_, route) if route.ends_with("/passage") => "?start_byte=0&end_byte=1".to_owned(),
        _ => String::new(),
    };
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = server.stranger().request(method.clone(), format!("{}{path}{query}", server.base));
    let request = if key.is_empty() { request } else { request.bearer_auth(key) };
    if route == "/v1/documents" && method == Method::POST {
        let body =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n# A\r\n--b--\r\n";
        return request.header("Content-Type", "multipart/form-data; boundary=b").body(body);
    }
    if method == Method::POST || method == Method::PUT || method == Method::PATCH {
        return request.json(&body(route));
    }
    request
}

fn body(route: &str) -> Value {
    match route {
        "/v1/ask" => json!({ "question": "What is there?" }),
        "/v1/search" => json!({ "query": "what" }),
        "/v1/chat/completions" => {
            json!({ "model": "ibid", "messages": [{ "role": "user", "content": "What is there?" }] })
        }
        "/v1/embeddings" => json!({ "model": "ibid", "input": "x" }),
        "/v1/threads" => json!({ "title": "x" }),
        "/v1/threads/{id}" => json!({ "title": "x" }),
        "/v1/threads/{id}/turns" => json!({ "question": "x" }),
        "/v1/turns/{id}/feedback" => json!({ "rating": 1 }),
        "/v1/runs" => json!({ "flow": "nothing" }),
        "/v1/runs/{id}/answer" => json!({ "interrupt": 1, "value": true }),
        "/v1/runs/{id}/fork" => json!({ "checkpoint": 1 }),
        "/v1/auth/links" => json!({ "user": "nobody" }),
        _ => json!({}),
    }
}

/// Whether the answer is the guard's, or that of whoever looks after a workspace.
fn is_refused(status: u16, body: &Value) -> bool {
    status == 403 && body["error"]["code"] == "not_allowed"
}

#[test]
fn every_endpoint_has_a_row() {
    let home = home();
    let server = home.serve(&[]);
    let (_, description) = server.get("/openapi.json");
    // The description is not described, and agents speak a protocol of their own.
    let others = [("GET", "/openapi.json"), ("POST", "/mcp")];
    let mut endpoints: Vec<(String, String)> =
        others.into_iter().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    for (path, methods) in description["paths"].as_object().unwrap() {
        endpoints
            .extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    endpoints.sort();
    let mut rows: Vec<(String, String)> =
        MATRIX.iter().map(|(method, route, _)| ((*method).to_owned(), (*route).to_owned())).collect();
    rows.sort();
    assert_eq!(endpoints, rows, "an endpoint has no row in access/matrix.rs, or a row has no endpoint");
}

#[test]
fn every_endpoint_is_for_the_roles_that_its_row_says() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false", "--set", "limits.strangers_per_minute=0"]);
    let keys: Vec<(Role, String)> =
        Role::ALL.into_iter().map(|role| (role, key(&home, role.name(), role.name(), &[]))).collect();
    for (method, route, need) in MATRIX {
        let nobody = answer(request(&server, "", method, route).send().unwrap());
        let is_open = matches!(need, Need::Open | Need::Attempt);
        assert_eq!(nobody.1["error"]["code"] == "key_missing", !is_open, "{method} {route}: {nobody:?}");
        for (role, key) in &keys {
            // These end what the others need.
            if *method == "DELETE" && *route == "/v1/auth/sessions/all" && role.may(Permission::Own) {
                continue;
            }
            let (status, body) = answer(request(&server, key, method, route).send().unwrap());
            let may = match need {
                Need::Open | Need::Attempt | Need::SignedIn => true,
                Need::In(permission) | Need::Somewhere(permission) | Need::Everywhere(permission) => {
                    role.may(*permission)
                }
            };
            let own = body["error"]["message"].as_str().is_some_and(|told| told.contains("may not own"));
            assert_eq!(
                is_refused(status, &body) && !own,
                !may,
                "{method} {route} as {role}: {status} {body}"
            );
            assert_ne!(status, 401, "{method} {route} as {role}");
        }
    }
}

#[test]
fn a_role_in_one_workspace_says_nothing_of_another() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false", "--set", "limits.strangers_per_minute=0"]);
    drop(home.ok(&["workspace", "create", "legal"]));
    let key = key(&home, "legal", "admin", &["--workspace", "legal"]);
    for (method, route, need) in MATRIX {
        let (status, body) = answer(request(&server, &key, method, route).send().unwrap());
        let expected = matches!(need, Need::In(_) | Need::Everywhere(_));
        // Jobs without a workspace are those of the default one.
        let of_default = ["/v1/jobs", "/v1/jobs/events"].contains(route);
        if !of_default {
            assert_eq!(is_refused(status, &body), expected, "{method} {route}: {status} {body}");
        }
    }
    let with = |path: &str| {
        answer(server.stranger().get(format!("{}{path}", server.base)).bearer_auth(&key).send().unwrap())
    };
    assert_eq!(with("/v1/documents?workspace=legal").0, 200);
    assert_eq!(with("/v1/jobs").0, 403);
    let seen = with("/v1/workspaces").1;
    assert_eq!((seen.as_array().unwrap().len(), &seen[0]["name"]), (1, &"legal".into()));
    // What is not there looks like what is somebody else's.
    let (unknown, others) =
        (with("/v1/documents?workspace=nothing").1, with("/v1/documents?workspace=default").1);
    assert_eq!(unknown["error"]["code"], others["error"]["code"]);
}

#[test]
fn nobody_is_let_in_on_this_machine_either() {
    let home = home();
    let server = home.serve(&[]);
    let stranger = server.stranger();
    for path in ["/v1/status", "/v1/documents", "/v1/keys", "/metrics", "/openapi.json", "/v1/models"] {
        assert_eq!(get(&server, &stranger, path).1["error"]["code"], "key_missing", "{path}");
        let wrong = stranger.get(format!("{}{path}", server.base)).bearer_auth("ibid_wrong").send().unwrap();
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/health/live", "/health/ready", "/v1/auth/door", "/"] {
        assert_eq!(get(&server, &stranger, path).0, 200, "{path}");
    }
    let log = home.ok(&["audit", "list"]).out;
    assert_eq!(log.matches("key_unknown from 127.0.0.1").count(), 1, "{log}");
}

#[test]
fn a_link_makes_the_first_account_once() {
    let home = home();
    let server = home.serve(&[]);
    let stranger = server.stranger();
    assert_eq!(get(&server, &stranger, "/v1/auth/door").1["is_first_run"], true);
    let first = token(&home, &["auth", "link"]);
    let with = |password: &str, name: &str| json!({ "token": first, "name": name, "password": password });
    assert_eq!(enter(&server, &stranger, &with("short", "ada")).1["error"]["code"], "password_length");
    assert_eq!(enter(&server, &stranger, &with(PASSWORD, "<b>")).1["error"]["code"], "name_malformed");
    let wrong = json!({ "token": "ibid_x", "name": "ada", "password": PASSWORD });
    assert_eq!(enter(&server, &stranger, &wrong).1["error"]["code"], "link_over");
    assert!(home.ok(&["audit", "list"]).out.contains("/v1/auth/link from 127.0.0.1"));
    let (status, me) = enter(&server, &stranger, &with(PASSWORD, "ada"));
    assert_eq!((status, me["everywhere"].as_array().unwrap().len()), (200, Permission::ALL.len()));
    assert_eq!(enter(&server, &server.stranger(), &with(PASSWORD, "eve")).1["error"]["code"], "link_over");
    assert_eq!(get(&server, &stranger, "/v1/auth/door").1["is_first_run"], false);
    assert_eq!(get(&server, &stranger, "/v1/auth/me").1["name"], "ada");
    assert!(get(&server, &stranger, "/v1/users").1[0]["signed_in_at"].is_string());
    assert_eq!(home.run(&["auth", "link"]).code, 2, "there is an owner: links are for those who are there");
}

#[test]
fn wrong_passwords_cost_time_and_tell_nothing() {
    let home = home();
    let server = home.serve(&[]);
    let _owner = owner(&home, &server);
    let stranger = server.stranger();
    let unknown = sign_in(&server, &stranger, "eve", PASSWORD);
    let mut wrong = sign_in(&server, &stranger, "ada", "wrong wrong wrong");
    for told in [&unknown, &wrong] {
        assert_eq!((told.0, &told.1["error"]["code"]), (401, &"sign_in_failed".into()));
    }
    assert_eq!(unknown.1["error"]["message"], wrong.1["error"]["message"]);
    for _ in 0..6 {
        wrong = sign_in(&server, &stranger, "ADA ", "wrong wrong wrong");
    }
    assert_eq!((wrong.0, &wrong.1["error"]["code"]), (429, &"sign_in_locked".into()));
    let right = sign_in(&server, &stranger, "ada", PASSWORD);
    assert_eq!(
        right.1["error"]["code"], "sign_in_locked",
        "not even the right one: the guesser must not learn it"
    );
    let mut unknown = unknown;
    for _ in 0..6 {
        unknown = sign_in(&server, &stranger, "eve", "wrong wrong wrong");
    }
    assert_eq!(
        (unknown.0, &unknown.1["error"]["code"]),
        (429, &"sign_in_locked".into()),
        "as of a name that there is"
    );
    let log = home.ok(&["audit", "list"]).out;
    assert!(log.contains("sign-in.failed") && log.contains("sign-in.locked"), "{log}");
}

#[test]
fn another_site_signs_nobody_in() {
    let home = home();
    let server = home.serve(&[]);
    let _owner = owner(&home, &server);
    let told = |headers: &[(&str, &str)]| {
        let request = server.stranger().post(format!("{}/v1/auth/sign-in", server.base));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(request.body(json!({ "name": "ada", "password": PASSWORD }).to_string()).send().unwrap())
    };
    for headers in [
        &[("Origin", "https://evil.example"), ("Content-Type", "text/plain")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
    ] {
        let (status, told) = told(headers);
        assert_eq!((status, &told["error"]["code"]), (403, &"origin_forbidden".into()), "{headers:?}");
    }
    assert_eq!(told(&[("Origin", &server.base)]).0, 200);
    assert_eq!(told(&[("Sec-Fetch-Site", "same-origin")]).0, 200);
}

#[test]
fn a_request_with_a_word_too_many_is_refused() {
    let home = home();
    let server = home.serve(&[]);
    let key = json!({ "name": "typo", "rolle": "reader" });
    assert_eq!(server.post("/v1/keys", &key).1["error"]["code"], "request_malformed");
    // What OpenAI's clients send is theirs to extend.
    const FOREIGN: [&str; 2] = ["ChatRequest", "EmbeddingRequest"];
    let described = server.get("/openapi.json").1;
    let mut looked_at = 0;
    for operation in
        described["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let of = [&body["$ref"], &body["oneOf"][1]["$ref"]].into_iter().find_map(Value::as_str);
        let Some(name) = of.and_then(|of| of.rsplit('/').next()) else { continue };
        let closed = &described["components"]["schemas"][name]["additionalProperties"] == false;
        assert_eq!(closed, !FOREIGN.contains(&name), "{name}");
        looked_at += 1;
    }
    assert!(looked_at > 30, "{looked_at}");
}

#[test]
fn a_session_is_for_our_own_page_and_ends_when_it_is_said() {
    let home = home();
    let server = home.serve(&[]);
    let browser = owner(&home, &server);
    let send = |origin: Option<&str>| {
        let request = browser.post(format!("{}/v1/threads", server.base)).json(&json!({ "title": "x" }));
        let request = origin.into_iter().fold(request, |request, origin| request.header("Origin", origin));
        answer(request.send().unwrap()).0
    };
    assert_eq!((send(Some(&server.base)), send(Some("https://evil.example")), send(None)), (201, 403, 403));
    let other = server.stranger();
    assert_eq!(sign_in(&server, &other, "ada", PASSWORD).0, 200);
    let sessions = get(&server, &browser, "/v1/auth/sessions").1;
    let not_this = sessions.as_array().unwrap().iter().find(|session| session["is_this"] == false).unwrap();
    let path = format!("/v1/auth/sessions/{}", not_this["id"].as_str().unwrap());
    // Another device is signed out by whoever shows once more who it is, and so are all.
    for path in [path.as_str(), "/v1/auth/sessions"] {
        let bare = answer(page(&server, &browser, Method::DELETE, path).send().unwrap());
        assert_eq!((bare.0, &bare.1["error"]["code"]), (401, &"confirmation_needed".into()), "{path}");
        let wrong =
            page(&server, &browser, Method::DELETE, path).json(&json!({ "password": "not this one" }));
        assert_eq!(answer(wrong.send().unwrap()).1["error"]["code"], "sign_in_failed", "{path}");
    }
    assert_eq!(get(&server, &other, "/v1/auth/me").0, 200);
    let confirmed = page(&server, &browser, Method::DELETE, &path).json(&json!({ "password": PASSWORD }));
    assert_eq!(confirmed.send().unwrap().status(), 204);
    assert_eq!(get(&server, &other, "/v1/auth/me").1["error"]["code"], "session_over");
    assert_eq!(sign_in(&server, &other, "ada", PASSWORD).0, 200);
    let all =
        page(&server, &browser, Method::DELETE, "/v1/auth/sessions").json(&json!({ "password": PASSWORD }));
    assert_eq!(all.send().unwrap().status(), 204);
    assert_eq!(get(&server, &other, "/v1/auth/me").0, 401);
    // One's own is left without more ado.
    assert_eq!(sign_in(&server, &browser, "ada", PASSWORD).0, 200);
    let own =
        format!("/v1/auth/sessions/{}", get(&server, &browser, "/v1/auth/me").1["session"].as_str().unwrap());
    assert_eq!(page(&server, &browser, Method::DELETE, &own).send().unwrap().status(), 204);
    assert_eq!(sign_in(&server, &browser, "ada", PASSWORD).0, 200);
    assert_eq!(sign_in(&server, &other, "ada", PASSWORD).0, 200);
    drop(home.ok(&["auth", "sign-out-everybody"]));
    for browser in [&browser, &other] {
        assert_eq!(get(&server, browser, "/v1/auth/me").0, 401);
    }
    assert_eq!(sign_in(&server, &browser, "ada", PASSWORD).0, 200);
    assert_eq!(page(&server, &browser, Method::POST, "/v1/auth/sign-out").send().unwrap().status(), 204);
    assert_eq!(get(&server, &browser, "/v1/auth/me").1["error"]["code"], "key_missing", "the cookie is gone");
}

#[test]
fn whoever_signs_in_again_leaves_the_former_session() {
    let home = home();
    let server = home.serve(&[]);
    let browser = owner(&home, &server);
    let sessions = || get(&server, &browser, "/v1/auth/sessions").1.as_array().unwrap().len();
    assert_eq!((sign_in(&server, &browser, "ada", PASSWORD).0, sessions()), (200, 1));
    assert_eq!(sign_in(&server, &server.stranger(), "ada", PASSWORD).0, 200);
    assert_eq!(sessions(), 2, "another browser's is another");
}

#[test]
fn no_other_site_begins_a_sign_in() {
    let home = home();
    let server = home.serve(&[]);
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    for (from, code) in
        [("cross-site", "origin_forbidden"), ("same-site", "origin_forbidden"), ("none", "oidc_missing")]
    {
        let request = client.get(format!("{}/v1/auth/oidc", server.base)).header("sec-fetch-site", from);
        let sent = request.send().unwrap();
        assert_eq!(sent.headers()["location"], format!("/#/sign-in/{code}"), "{from}");
        assert!(!sent.headers().contains_key("set-cookie"), "{from}");
    }
}

#[test]
fn a_password_is_changed_by_whoever_knows_the_former_one_or_has_a_link() {
    let home = home();
    let server = home.serve(&[]);
    let (browser, other) = (owner(&home, &server), server.stranger());
    let next = "another long pass phrase";
    let change = |former: &str| {
        let request = page(&server, &browser, Method::POST, "/v1/auth/password");
        answer(request.json(&json!({ "former": former, "password": next })).send().unwrap())
    };
    assert_eq!(change("wrong wrong wrong").1["error"]["code"], "sign_in_failed");
    assert_eq!(change(PASSWORD).0, 200);
    assert_eq!(get(&server, &browser, "/v1/auth/me").0, 200, "the one who changed it stays in");
    assert_eq!(
        (sign_in(&server, &other, "ada", PASSWORD).0, sign_in(&server, &other, "ada", next).0),
        (401, 200)
    );
    let link = token(&home, &["auth", "link", "ada"]);
    assert_eq!(enter(&server, &other, &json!({ "token": link, "password": PASSWORD })).0, 200);
    assert_eq!(get(&server, &browser, "/v1/auth/me").0, 401, "whoever was in with the former one is out");
}

#[test]
fn administrators_do_not_make_themselves_owners() {
    let home = home();
    let server = home.serve(&[]);
    let _owner = owner(&home, &server);
    let bob = token(&home, &["auth", "add", "bob", "--role", "admin"]);
    let browser = server.stranger();
    assert_eq!(enter(&server, &browser, &json!({ "token": bob, "password": PASSWORD })).0, 200);
    let users = get(&server, &browser, "/v1/users").1;
    let id = |name: &str| {
        let users = users.as_array().unwrap();
        users.iter().find(|user| user["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let send = |method: Method, path: &str, body: Value| {
        let (status, told) = answer(page(&server, &browser, method, path).json(&body).send().unwrap());
        (status, told["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = (403, "not_allowed".to_owned());
    let ada = format!("/v1/users/{}", id("ada"));
    let owned = json!({ "holder": format!("user:{}", id("bob")), "role": "owner" });
    assert_eq!(send(Method::PUT, "/v1/grants", owned), refused);
    let demoted = json!({ "holder": format!("user:{}", id("ada")), "role": "reader" });
    assert_eq!(send(Method::PUT, "/v1/grants", demoted), refused);
    assert_eq!(send(Method::PATCH, &ada, json!({ "is_disabled": true })), refused);
    assert_eq!(send(Method::DELETE, &ada, json!({})), refused);
    assert_eq!(send(Method::POST, "/v1/auth/links", json!({ "user": "ada" })), refused);
    assert_eq!(send(Method::POST, "/v1/users", json!({ "name": "eve", "role": "owner" })), refused);
    assert_eq!(send(Method::POST, "/v1/keys", json!({ "name": "eve", "role": "owner" })), refused);
    let key = home.ok(&["keys", "create", "boss", "--role", "owner", "--json"]).json();
    let key = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(send(Method::DELETE, &key, json!({})), refused, "an owner's key is an owner's");
    let group = json!({ "name": "office" });
    assert_eq!(send(Method::POST, "/v1/groups", group).0, 201);
    drop(home.ok(&["auth", "grant", "group:office", "owner"]));
    let groups = get(&server, &browser, "/v1/groups").1;
    let member = format!("/v1/groups/{}/members/{}", groups[0]["id"].as_str().unwrap(), id("bob"));
    assert_eq!(send(Method::PUT, &member, json!({})), refused);
    assert!(home.run(&["auth", "disable", "ada"]).err.contains("[owner_last]"));
    assert!(home.run(&["auth", "revoke", "user:ada"]).err.contains("[owner_last]"));
    drop(home.ok(&["auth", "grant", "user:bob", "owner"]));
    drop(home.ok(&["auth", "delete", "ada"]));
}

#[test]
fn what_somebody_says_is_theirs() {
    let home = home();
    let server = home.serve(&[]);
    let owner = owner(&home, &server);
    let reader = server.stranger();
    let token = token(&home, &["auth", "add", "bob", "--role", "reader"]);
    assert_eq!(enter(&server, &reader, &json!({ "token": token, "password": PASSWORD })).0, 200);
    let begin = |browser: &Client| {
        let request = page(&server, browser, Method::POST, "/v1/threads").json(&json!({ "title": "x" }));
        format!("/v1/threads/{}", answer(request.send().unwrap()).1["id"].as_str().unwrap())
    };
    let (of_owner, of_reader) = (begin(&owner), begin(&reader));
    let of_machine = server.post("/v1/threads", &json!({ "title": "x" })).1;
    let of_machine = format!("/v1/threads/{}", of_machine["id"].as_str().unwrap());
    let status = |browser: &Client, path: &str| get(&server, browser, path).0;
    assert_eq!((status(&owner, &of_owner), status(&reader, &of_owner)), (200, 404));
    assert_eq!(
        (status(&owner, &of_reader), status(&reader, &of_reader)),
        (404, 200),
        "not even an owner reads along"
    );
    assert_eq!((status(&owner, &of_machine), status(&reader, &of_machine)), (200, 404));
    let count =
        |browser: &Client| get(&server, browser, "/v1/threads").1["threads"].as_array().unwrap().len();
    assert_eq!((count(&owner), count(&reader)), (2, 1));
    let start = page(&server, &reader, Method::POST, "/v1/runs");
    let (status_of_run, run) =
        answer(start.json(&json!({ "flow": "chat", "input": { "question": "x" } })).send().unwrap());
    assert_eq!(status_of_run, 201, "{run}");
    let run = format!("/v1/runs/{}", run["id"].as_str().unwrap());
    assert_eq!((status(&owner, &run), status(&reader, &run)), (200, 200), "a run of no conversation");
    let other = key(&home, "other", "editor", &[]);
    let with_key = server.stranger().get(format!("{}{run}", server.base)).bearer_auth(other).send().unwrap();
    assert_eq!(with_key.status(), StatusCode::NOT_FOUND);
}

#[test]
fn whoever_is_too_fast_is_told_when_to_come_again() {
    let home = home();
    let server = home.serve(&[
        "--set",
        "limits.requests_per_minute=6",
        "--set",
        "limits.burst=2",
        "--set",
        "limits.strangers_per_minute=4",
    ]);
    let (one, other) = (key(&home, "one", "reader", &[]), key(&home, "other", "reader", &[]));
    let send = |key: &str| {
        let request = server.stranger().get(format!("{}/v1/auth/me", server.base)).bearer_auth(key);
        let response = request.send().unwrap();
        let again = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (answer(response), again)
    };
    assert_eq!((send(&one).0.0, send(&one).0.0), (200, 200));
    let ((status, told), again) = send(&one);
    assert_eq!((status, &told["error"]["code"]), (429, &"rate_limited".into()));
    assert!((1..=11).contains(&again.unwrap().parse::<u32>().unwrap()));
    assert_eq!(send(&other).0.0, 200, "each for themselves");
    assert_eq!((send("ibid_wrong").0.0, send("ibid_wrong").0.0, send("ibid_wrong").0.0), (401, 401, 429));
    assert_eq!(get(&server, &server.stranger(), "/health/live").0, 200);
    assert!((0..20).all(|_| server.get("/v1/auth/me").0 == 200), "this machine is not held up");
}

#[test]
fn one_workspace_leaves_room_for_others() {
    let home = home();
    let server = home.serve(&["--set", "limits.workspace_requests_per_minute=20"]);
    drop(home.ok(&["workspace", "create", "legal"]));
    let (one, other) = (key(&home, "one", "reader", &[]), key(&home, "other", "reader", &[]));
    let status = |key: &str, path: &str| {
        answer(server.stranger().get(format!("{}{path}", server.base)).bearer_auth(key).send().unwrap()).0
    };
    assert_eq!((status(&one, "/v1/documents"), status(&other, "/v1/documents")), (200, 200));
    assert_eq!((status(&one, "/v1/documents"), status(&other, "/v1/documents")), (429, 429), "both together");
    assert_eq!(status(&one, "/v1/documents?workspace=legal"), 200);
    assert!((0..20).all(|_| server.get("/v1/documents").0 == 200), "this machine is not held up");
}

#[test]
fn what_was_done_is_in_a_log_that_cannot_be_bent() {
    let home = home();
    let server = home.serve(&[]);
    let reader = key(&home, "curious", "reader", &[]);
    for _ in 0..3 {
        assert_eq!(request(&server, &reader, "GET", "/v1/keys").send().unwrap().status(), 403);
    }
    let export = home.ok(&["audit", "export"]).out;
    let refused =
        export.lines().filter(|line| line.contains("key curious") && line.contains("refused")).count();
    assert_eq!(refused, 1, "the same refusal is told once a minute: {export}");
    assert!(export.contains("POST") && export.contains("/v1/keys (201)"), "{export}");
    let file = home.write("audit.jsonl", &export);
    let path = file.display().to_string();
    assert!(home.ok(&["audit", "verify", &path]).out.contains("none was changed"));
    assert!(home.ok(&["audit", "verify"]).out.contains("none was changed"));
    for bent in [export.replace("curious", "furious"), export.lines().skip(1).collect::<Vec<_>>().join("\n")]
    {
        let _ = home.write("audit.jsonl", bent);
        assert!(home.run(&["audit", "verify", &path]).err.contains("[audit_broken]"));
    }
    assert!(home.ok(&["audit", "export", "--format", "cef"]).out.starts_with("CEF:0|Ibid|ibid|"));
    assert!(!export.contains(&reader), "no secret is in it");
}

#[test]
fn what_is_looked_for_in_titles_stands_in_no_address() {
    let home = home();
    drop(home.write("merger plans.md", "# Plans\n\nWe merge in May.\n"));
    drop(home.ok(&["ingest", &home.files()]));
    let server = home.serve(&[]);
    let find = |path: &str, body: &Value| server.post(&format!("/v1/{path}/find"), body);
    let (status, found) = find("documents", &json!({ "text": "merger", "limit": 1 }));
    assert_eq!((status, &found["total"]), (200, &1.into()), "{found}");
    assert_eq!(find("documents", &json!({ "text": "acquisition" })).1["total"], 0);
    assert_eq!(server.post("/v1/threads", &json!({ "title": "the merger" })).0, 201);
    let threads =
        |text: &str| find("threads", &json!({ "text": text })).1["threads"].as_array().unwrap().len();
    assert_eq!((threads("merger"), threads("acquisition")), (1, 0));
    for path in ["documents", "threads"] {
        assert_eq!(find(path, &json!({ "text": "merger", "limit": 0 })).0, 400, "{path}");
        assert_eq!(
            find(path, &json!({ "words": "merger" })).1["error"]["code"],
            "request_malformed",
            "{path}"
        );
        assert_eq!(find(path, &json!({ "workspace": "nowhere" })).0, 404, "{path}");
    }
    assert!(home.ok(&["documents", "list", "--text", "merger"]).out.contains("merger plans.md"));
}
