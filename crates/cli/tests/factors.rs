//! Second factors, passkeys, sign-in with a provider, and tokens of services, tried from outside.
#![allow(clippy::unwrap_used, clippy::panic)]

use ibid_auth::totp::TotpSecret;
use ibid_runtime::Clock;
use ibid_testkit::{Browser, Home, OpenIdProvider, Server, answer};
use ibid_types::Secret;
use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Value, json};

const PASSWORD: &str = "seven grey herons wade slowly";
const STEP_MS: i64 = 30_000;
/// Where the provider sends people back to: an address that nobody has, in whose place the test asks the server.
const PUBLIC_URL: &str = "https://ibid.example";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn send(server: &Server, browser: &Client, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = browser.request(method, format!("{}{path}", server.base)).header("Origin", &server.base);
    answer(request.json(body).send().unwrap())
}

fn post(server: &Server, browser: &Client, path: &str, body: &Value) -> (u16, Value) {
    send(server, browser, Method::POST, path, body)
}

fn get(server: &Server, browser: &Client, path: &str) -> (u16, Value) {
    send(server, browser, Method::GET, path, &json!({}))
}

/// A browser that has used a link: the first one's, or that of an account.
fn entered(home: &Home, server: &Server, arguments: &[&str]) -> Client {
    let browser = server.stranger();
    let link = home.ok(arguments).out;
    let token = link.trim().rsplit('/').next().unwrap();
    let request = json!({ "token": token, "name": "ada", "password": PASSWORD });
    let (status, told) = post(server, &browser, "/v1/auth/link", &request);
    assert_eq!(status, 200, "{told}");
    browser
}

fn owner(home: &Home, server: &Server) -> Client {
    entered(home, server, &["auth", "link"])
}

fn sign_in(server: &Server, browser: &Client, code: &str) -> (u16, String) {
    let request = json!({ "name": "ada", "password": PASSWORD, "code": code });
    coded(&post(server, browser, "/v1/auth/sign-in", &request))
}

fn coded((status, told): &(u16, Value)) -> (u16, String) {
    (*status, told["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// An authenticator app whose clock can be put forward.
struct App(TotpSecret);

impl App {
    fn scanned(secret: &str) -> Self {
        let digits = secret.replace(' ', "");
        let bytes = data_encoding::BASE32_NOPAD.decode(digits.as_bytes()).unwrap();
        Self(TotpSecret::from_bytes(&bytes).unwrap())
    }

    fn code(&self, steps_ahead: i64) -> Secret {
        self.0.code(Clock::system().now().plus_ms(steps_ahead * STEP_MS))
    }
}

/// Sets an app up; gives its recovery codes too.
fn set_up(server: &Server, browser: &Client) -> (App, Vec<String>) {
    let (status, begun) = post(server, browser, "/v1/auth/app", &json!({ "password": PASSWORD }));
    assert_eq!(status, 200, "{begun}");
    assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/Ibid:"));
    let app = App::scanned(begun["secret"].as_str().unwrap());
    let code = |code: &str| json!({ "id": begun["id"], "code": code });
    let wrong = send(server, browser, Method::PUT, "/v1/auth/app", &code("000000"));
    assert_eq!(coded(&wrong), (400, "second_factor_wrong".to_owned()));
    let (status, told) = send(server, browser, Method::PUT, "/v1/auth/app", &code(app.code(0).reveal()));
    assert_eq!(status, 200, "{told}");
    let codes = told["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    (app, codes.collect())
}

#[test]
fn a_password_alone_is_not_enough_where_there_is_an_app() {
    let home = home();
    let server = home.serve(&[]);
    let browser = owner(&home, &server);
    let unconfirmed = post(&server, &browser, "/v1/auth/app", &json!({ "password": "wrong wrong wrong" }));
    assert_eq!(coded(&unconfirmed), (401, "sign_in_failed".to_owned()));
    let (app, codes) = set_up(&server, &browser);
    assert_eq!(codes.len(), 10);
    let other = server.stranger();
    assert_eq!(sign_in(&server, &other, ""), (401, "second_factor_needed".to_owned()));
    assert_eq!(sign_in(&server, &other, "000000"), (401, "second_factor_wrong".to_owned()));
    let next = app.code(1);
    assert_eq!(sign_in(&server, &other, next.reveal()).0, 200);
    let again = sign_in(&server, &server.stranger(), next.reveal());
    assert_eq!(again, (401, "second_factor_wrong".to_owned()), "a code counts once");
    assert_eq!(sign_in(&server, &server.stranger(), &codes[3].to_uppercase()).0, 200);
    assert_eq!(sign_in(&server, &server.stranger(), &codes[3]).0, 401);
    let factors = get(&server, &browser, "/v1/auth/factors").1;
    assert_eq!((&factors["has_app"], &factors["recovery_codes_left"]), (&true.into(), &9.into()));
    // Whoever makes a link for somebody does not have their second factor.
    let link = home.ok(&["auth", "link", "ada"]).out;
    let by_link = |code: &str| {
        let token = link.trim().rsplit('/').next().unwrap();
        json!({ "token": token, "password": "another long pass phrase", "code": code })
    };
    let refused = post(&server, &server.stranger(), "/v1/auth/link", &by_link(""));
    assert_eq!(coded(&refused), (401, "second_factor_needed".to_owned()));
    assert_eq!(post(&server, &server.stranger(), "/v1/auth/link", &by_link(&codes[4])).0, 200);
    drop(home.ok(&["auth", "reset-factors", "ada"]));
    let request = json!({ "name": "ada", "password": "another long pass phrase" });
    assert_eq!(post(&server, &server.stranger(), "/v1/auth/sign-in", &request).0, 200);
    let log = home.ok(&["audit", "list"]).out;
    for action in ["second-factor.app-added", "sign-in.failed", "/factors (204)"] {
        assert!(log.contains(action), "{action} is not in {log}");
    }
}

#[test]
fn wrong_codes_cost_the_same_waits_as_wrong_passwords() {
    let home = home();
    let server = home.serve(&[]);
    let browser = owner(&home, &server);
    let (app, _) = set_up(&server, &browser);
    let tried: Vec<String> = (0..7).map(|_| sign_in(&server, &server.stranger(), "000000").1).collect();
    assert_eq!(tried.last().unwrap(), "sign_in_locked", "{tried:?}");
    assert_eq!(sign_in(&server, &server.stranger(), app.code(1).reveal()).1, "sign_in_locked");
    // Nor does a link let codes be guessed.
    let link = home.ok(&["auth", "link", "ada"]).out.trim().rsplit('/').next().unwrap().to_owned();
    let request =
        json!({ "token": link, "password": "another long pass phrase", "code": app.code(1).reveal() });
    let with_link = post(&server, &server.stranger(), "/v1/auth/link", &request);
    assert_eq!(coded(&with_link), (429, "sign_in_locked".to_owned()));
}

#[test]
fn factors_are_changed_by_whoever_shows_all_that_a_sign_in_takes() {
    let home = home();
    let server = home.serve(&[]);
    let browser = owner(&home, &server);
    let none = post(&server, &browser, "/v1/auth/recovery-codes", &json!({ "password": PASSWORD }));
    assert_eq!(coded(&none), (409, "second_factor_missing".to_owned()));
    let (app, former) = set_up(&server, &browser);
    // Each way to another factor wants the code as well as the password, and a wrong one costs.
    for path in ["app", "app/remove", "recovery-codes", "passkeys/begin", "passkeys/AAAA/remove"] {
        let tried = |proof: &Value| coded(&post(&server, &browser, &format!("/v1/auth/{path}"), proof)).1;
        assert_eq!(tried(&json!({ "password": PASSWORD })), "second_factor_needed", "{path}");
    }
    let renew = |proof: &Value| post(&server, &browser, "/v1/auth/recovery-codes", proof);
    assert_eq!(coded(&renew(&json!({ "password": PASSWORD, "code": "000000" }))).1, "second_factor_wrong");
    assert_eq!(coded(&renew(&json!({ "password": "", "code": former[1] }))).1, "sign_in_failed");
    let (_, renewed) = renew(&json!({ "password": PASSWORD, "code": app.code(1).reveal() }));
    assert_eq!(renewed["codes"].as_array().unwrap().len(), 10, "{renewed}");
    assert_eq!(sign_in(&server, &server.stranger(), &former[0]).0, 401);
    let code = renewed["codes"][0].as_str().unwrap();
    let proof = json!({ "password": PASSWORD, "code": code });
    assert_eq!(post(&server, &browser, "/v1/auth/app/remove", &proof).0, 204);
    assert_eq!(sign_in(&server, &server.stranger(), "").0, 200);
    let with_key = server.post("/v1/auth/app", &json!({ "password": PASSWORD }));
    assert_eq!(with_key.1["error"]["code"], "account_missing", "the machine has no account");
}

#[test]
fn a_server_may_want_a_second_factor_of_everybody() {
    let home = home();
    let server = home.serve(&["--set", "identity.second_factor=required"]);
    let browser = owner(&home, &server);
    assert_eq!(coded(&get(&server, &browser, "/v1/documents")), (403, "second_factor_missing".to_owned()));
    assert_eq!(get(&server, &browser, "/v1/auth/factors").1["is_required"], true);
    drop(set_up(&server, &browser));
    assert_eq!(get(&server, &browser, "/v1/documents").0, 200);
}

#[test]
fn a_server_that_others_reach_wants_a_second_factor_of_everybody() {
    let home = home();
    let near = home.serve(&[]);
    let browser = owner(&home, &near);
    assert_eq!(get(&near, &browser, "/v1/auth/factors").1["is_required"], false);
    assert_eq!(get(&near, &browser, "/v1/documents").0, 200);
    let key = home.ok(&["keys", "create", "robot", "--role", "reader"]).out.trim().to_owned();
    drop(near);
    let open = ["--address", "0.0.0.0:0", "--set=server.unencrypted=true"];
    let server = home.serve_again(&open);
    // The owner is led to a factor, and has all rights with it; programs go on as before.
    let browser = server.stranger();
    assert_eq!(sign_in(&server, &browser, "").0, 200);
    assert_eq!(coded(&get(&server, &browser, "/v1/documents")), (403, "second_factor_missing".to_owned()));
    let factors = get(&server, &browser, "/v1/auth/factors").1;
    assert_eq!((&factors["is_required"], &factors["has_app"]), (&true.into(), &false.into()));
    drop(set_up(&server, &browser));
    assert_eq!(get(&server, &browser, "/v1/documents").0, 200);
    let by_key = server.stranger().get(format!("{}/v1/documents", server.base)).bearer_auth(&key);
    assert_eq!(answer(by_key.send().unwrap()).0, 200);
    let by_link = entered_as(&home, &server, "bob");
    assert_eq!(coded(&get(&server, &by_link, "/v1/documents")).1, "second_factor_missing");
    drop(set_up(&server, &by_link));
    assert_eq!(get(&server, &by_link, "/v1/documents").0, 200);
}

/// The browser of somebody new, who has used the link that was made for them.
fn entered_as(home: &Home, server: &Server, name: &str) -> Client {
    let browser = server.stranger();
    let said = home.ok(&["auth", "add", name, "--role", "reader"]).out;
    let token = said.trim().rsplit('/').next().unwrap();
    let told = post(server, &browser, "/v1/auth/link", &json!({ "token": token, "password": PASSWORD }));
    assert_eq!(told.0, 200, "{told:?}");
    browser
}

#[test]
fn a_passkey_signs_in_alone() {
    let Some(mut device) = Browser::open() else { return };
    let home = home();
    let server = home.serve(&["--set", &format!("notify.public_url={}", device.origin)]);
    let browser = owner(&home, &server);
    assert_eq!(get(&server, &browser, "/v1/auth/door").1["passkey_host"], "localhost");
    let confirmed = json!({ "password": PASSWORD });
    let (status, begun) = post(&server, &browser, "/v1/auth/passkeys/begin", &confirmed);
    assert_eq!(status, 200, "{begun}");
    let made = device.ask(&json!({ "create": begun["options"] }));
    let answer = json!({ "id": begun["id"], "name": "telephone", "credential": made });
    let (status, codes) = post(&server, &browser, "/v1/auth/passkeys", &answer);
    assert_eq!((status, codes["codes"].as_array().unwrap().len()), (200, 10), "{codes}");
    assert_eq!(coded(&post(&server, &browser, "/v1/auth/passkeys", &answer)).1, "passkey_late", "taken once");
    // From now on the password alone does not do.
    assert_eq!(sign_in(&server, &server.stranger(), "").1, "second_factor_needed");
    let other = server.stranger();
    let begun = post(&server, &other, "/v1/auth/passkey-sign-in/begin", &json!({})).1;
    let signed = device.ask(&json!({ "get": begun["options"] }));
    let answer = json!({ "id": begun["id"], "credential": signed });
    let (status, me) = post(&server, &other, "/v1/auth/passkey-sign-in", &answer);
    assert_eq!((status, &me["name"]), (200, &"ada".into()), "{me}");
    assert_eq!(get(&server, &other, "/v1/auth/me").0, 200);
    let again = post(&server, &server.stranger(), "/v1/auth/passkey-sign-in", &answer);
    assert_eq!(coded(&again), (401, "passkey_late".to_owned()));
    let next = post(&server, &other, "/v1/auth/passkey-sign-in/begin", &json!({})).1;
    let replayed = json!({ "id": next["id"], "credential": signed });
    let replayed = post(&server, &server.stranger(), "/v1/auth/passkey-sign-in", &replayed);
    assert_eq!(coded(&replayed).0, 401, "signed for another challenge");
    let factors = get(&server, &other, "/v1/auth/factors").1;
    let passkey = &factors["passkeys"][0];
    assert!(passkey["name"] == "telephone" && passkey["used_at"].is_string(), "{factors}");
    let path = format!("/v1/auth/passkeys/{}/remove", passkey["id"].as_str().unwrap());
    assert_eq!(coded(&post(&server, &other, &path, &confirmed)).1, "second_factor_needed");
    // A passkey shows both factors, once.
    let begun = post(&server, &other, "/v1/auth/passkey-sign-in/begin", &json!({})).1;
    let shown = json!({ "id": begun["id"], "credential": device.ask(&json!({ "get": begun["options"] })) });
    let proof = json!({ "passkey": shown });
    assert_eq!(post(&server, &other, &path, &proof).0, 204);
    assert_eq!(coded(&post(&server, &other, "/v1/auth/app", &proof)).1, "passkey_late");
    assert_eq!(sign_in(&server, &server.stranger(), "").0, 200);
}

fn provider() -> Option<OpenIdProvider> {
    OpenIdProvider::start("ES256", &format!("{PUBLIC_URL}/v1/auth/oidc/callback"))
}

/// A server at which people sign in with the provider.
fn serve_with(home: &Home, provider: &OpenIdProvider, more: &[&str]) -> Server {
    serve_with_factor("optional", home, provider, more)
}

fn serve_with_factor(factor: &str, home: &Home, provider: &OpenIdProvider, more: &[&str]) -> Server {
    let mut settings = vec![
        format!("notify.public_url={PUBLIC_URL}"),
        format!("identity.second_factor={factor}"),
        format!("identity.provider.issuer={}", provider.issuer),
        format!("identity.provider.client_id={}", OpenIdProvider::CLIENT),
        format!("identity.provider.client_secret={}", OpenIdProvider::SECRET),
    ];
    settings.extend(more.iter().map(|setting| format!("identity.provider.{setting}")));
    home.serve(&settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect::<Vec<_>>())
}

/// The path and query of the server to which the provider sends that person's browser.
fn sent_back(provider: &OpenIdProvider, url: &str, person: &str) -> String {
    provider.browse(url, person).as_str().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// The cookies of a browser that is sent to the provider and comes back, as the provider's pages were filled in by that person.
fn through_provider(server: &Server, provider: &OpenIdProvider, person: &str) -> (String, String) {
    let (to, cookie) = server_redirect(server, "/v1/auth/oidc", "");
    let back = sent_back(provider, &to, person);
    server_redirect(server, &back, &cookie)
}

/// Where the server sends the browser, and the cookie that it sets.
fn server_redirect(server: &Server, path: &str, cookie: &str) -> (String, String) {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let request = client.get(format!("{}{path}", server.base)).header("Cookie", cookie);
    let response = request.send().unwrap();
    assert_eq!(response.status(), 303);
    let text = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let cookie = text("set-cookie").unwrap_or_default();
    (text("location").unwrap(), cookie.split(';').next().unwrap().to_owned())
}

fn me(server: &Server, cookie: &str) -> Value {
    let request = server.stranger().get(format!("{}/v1/auth/me", server.base)).header("Cookie", cookie);
    answer(request.send().unwrap()).1
}

#[test]
fn people_sign_in_with_a_real_provider() {
    let Some(provider) = provider() else { return };
    let home = home();
    let server = serve_with(&home, &provider, &["groups=[\"team\"]", "role=reader"]);
    drop(home.ok(&["auth", "group", "team"]));
    assert_eq!(get(&server, &server.stranger(), "/v1/auth/door").1["provider"], "your organisation");
    let (to, cookie) = through_provider(&server, &provider, "ann");
    assert_eq!(to, "/");
    let known = me(&server, &cookie);
    assert_eq!(known["name"], "ann@example.org", "{known}");
    assert!(known["everywhere"].to_string().contains("converse"), "{known}");
    let again = me(&server, &through_provider(&server, &provider, "ann").1);
    assert_eq!(again["name"], known["name"]);
    assert_eq!(home.ok(&["auth", "users", "--json"]).out.matches("ann@example.org").count(), 1);
    // Without the browser's cookie nothing is taken that came back.
    let (to, _) = server_redirect(&server, "/v1/auth/oidc", "");
    let back = sent_back(&provider, &to, "eve");
    assert_eq!(server_redirect(&server, &back, "").0, "/#/sign-in/oidc_refused");
    let log = home.ok(&["audit", "list"]).out;
    assert!(log.contains("by provider from 127.0.0.1 (oidc_refused)"), "{log}");
    drop(home.ok(&["auth", "disable", "ann@example.org"]));
    assert_eq!(through_provider(&server, &provider, "ann").0, "/#/sign-in/account_disabled");
}

#[test]
fn who_has_no_account_gets_none_unless_that_is_wanted() {
    let Some(provider) = provider() else { return };
    let home = home();
    let server = serve_with(&home, &provider, &["link_by_email=true"]);
    assert_eq!(through_provider(&server, &provider, "ann").0, "/#/sign-in/oidc_unknown");
    drop(home.ok(&["auth", "add", "ann@example.org", "--role", "editor"]));
    let (_, cookie) = through_provider(&server, &provider, "ann");
    assert!(me(&server, &cookie)["everywhere"].to_string().contains("edit"));
}

#[test]
fn after_the_provider_the_second_factor_is_shown_here() {
    let Some(provider) = provider() else { return };
    let home = home();
    let server = serve_with(&home, &provider, &["link_by_email=true", "second_factor_by=['mfa']"]);
    let (app, codes) = set_up(&server, &entered_as(&home, &server, "ann@example.org"));
    let (to, cookie) = through_provider(&server, &provider, "ann");
    assert_eq!(to, "/#/sign-in/second_factor_needed");
    assert_eq!(me(&server, &cookie)["error"]["code"], "key_missing", "nobody is in yet");
    let with_code = |cookie: &str, code: &str| {
        let request =
            server.stranger().post(format!("{}/v1/auth/oidc/code", server.base)).header("Cookie", cookie);
        coded(&answer(request.json(&json!({ "code": code })).send().unwrap()))
    };
    assert_eq!(with_code("", app.code(1).reveal()), (401, "oidc_refused".to_owned()));
    assert_eq!(with_code(&cookie, ""), (401, "second_factor_needed".to_owned()));
    assert_eq!(with_code(&cookie, "000000"), (401, "second_factor_wrong".to_owned()));
    assert_eq!(with_code(&cookie, &codes[2]).0, 200);
    assert_eq!(with_code(&cookie, &codes[3]), (401, "oidc_refused".to_owned()), "one sign-in each");
    // Wrong codes cost the waits of wrong passwords, here too.
    let (_, cookie) = through_provider(&server, &provider, "ann");
    let tried: Vec<String> = (0..7).map(|_| with_code(&cookie, "000000").1).collect();
    assert_eq!(tried.last().unwrap(), "sign_in_locked", "{tried:?}");
    // Whom the provider has asked for two factors is not asked again.
    drop(set_up(&server, &entered_as(&home, &server, "two-bob@example.org")));
    let (to, cookie) = through_provider(&server, &provider, "two-bob");
    assert_eq!((to.as_str(), me(&server, &cookie)["name"].as_str()), ("/", Some("two-bob@example.org")));
}

#[test]
fn where_a_second_factor_is_required_the_providers_counts_if_it_says_so() {
    let Some(provider) = provider() else { return };
    let home = home();
    let trusted = ["role=reader", "second_factor_by=['mfa']"];
    let server = serve_with_factor("required", &home, &provider, &trusted);
    let documents = |cookie: &str| {
        let request = server.stranger().get(format!("{}/v1/documents", server.base)).header("Cookie", cookie);
        coded(&answer(request.send().unwrap()))
    };
    let (_, strong) = through_provider(&server, &provider, "two-bob");
    assert_eq!(documents(&strong).0, 200);
    let (_, weak) = through_provider(&server, &provider, "ann");
    assert_eq!(documents(&weak), (403, "second_factor_missing".to_owned()));
}

/// As the server calls itself in its tokens, where nothing else is configured.
fn server_url(server: &Server) -> String {
    server.base.replace("127.0.0.1", "localhost")
}

fn self_made(server: &Server, secret: &str) -> (u16, Value) {
    let post = server.stranger().post(format!("{}/v1/auth/tokens", server.base)).bearer_auth(secret);
    answer(post.json(&json!({ "seconds": 86_400 })).send().unwrap())
}

#[test]
fn a_token_is_a_part_of_its_key_for_a_while() {
    let home = home();
    let server = home.serve(&["--set=identity.token_audiences=['https://tools.example']"]);
    drop(home.ok(&["workspace", "create", "legal"]));
    let key = home.ok(&["keys", "create", "robot", "--role", "editor"]).out.trim().to_owned();
    let with = |secret: &str, path: &str| {
        answer(server.stranger().get(format!("{}{path}", server.base)).bearer_auth(secret).send().unwrap())
    };
    let token = |secret: &str, request: &Value| {
        let post = server.stranger().post(format!("{}/v1/auth/tokens", server.base)).bearer_auth(secret);
        answer(post.json(request).send().unwrap())
    };
    let made = |request: &Value| token(&key, request).1["token"].as_str().unwrap().to_owned();
    let whole = made(&json!({}));
    assert_eq!(with(&whole, "/v1/auth/me").1["name"], "robot");
    let part = made(&json!({ "role": "reader", "workspace": "legal" }));
    assert_eq!(with(&part, "/v1/documents?workspace=legal").0, 200);
    assert_eq!(with(&part, "/v1/documents").1["error"]["code"], "not_allowed");
    let more = made(&json!({ "role": "owner" }));
    assert_eq!(with(&more, "/v1/keys").1["error"]["code"], "not_allowed", "no more than the key has");
    // A token makes no tokens, neither wider nor later ones.
    for token in [&whole, &part] {
        assert_eq!(coded(&self_made(&server, token)), (403, "key_needed".to_owned()));
    }
    let elsewhere = made(&json!({ "audience": "https://tools.example" }));
    assert_eq!(with(&elsewhere, "/v1/auth/me").1["error"]["code"], "token_audience");
    let nobody = token(&key, &json!({ "audience": "https://other.example" }));
    assert_eq!((nobody.0, &nobody.1["error"]["code"]), (400, &"audience_unknown".into()));
    assert_eq!(with(&made(&json!({ "audience": server_url(&server) })), "/v1/auth/me").0, 200);
    assert_eq!(token(&key, &json!({ "seconds": 100_000 })).1["error"]["code"], "token_lifetime");
    assert_eq!(server.post("/v1/auth/tokens", &json!({})).1["error"]["code"], "key_needed");
    let (head, tail) = whole.split_at(whole.len() - 3);
    let changed = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    assert_eq!(with(&changed, "/v1/auth/me").1["error"]["code"], "token_invalid");
    let jwks = get(&server, &server.stranger(), "/.well-known/jwks.json").1;
    assert_eq!((jwks["keys"].as_array().unwrap().len(), &jwks["keys"][0]["crv"]), (1, &"Ed25519".into()));
    assert!(!jwks.to_string().contains("\"d\""), "the secret part is not shown");
    drop(home.ok(&["auth", "rotate-signing-key"]));
    assert_eq!(with(&whole, "/v1/auth/me").0, 200, "a day more");
    assert_eq!(home.ok(&["auth", "signing-keys", "--json"]).out.matches("verifies_until").count(), 1);
    drop(home.ok(&["auth", "rotate-signing-key", "--at-once"]));
    assert_eq!(with(&whole, "/v1/auth/me").1["error"]["code"], "token_invalid");
    let last = made(&json!({}));
    drop(home.ok(&["keys", "revoke", "robot"]));
    assert_eq!(with(&last, "/v1/auth/me").1["error"]["code"], "key_unknown", "a token dies with its key");
}
