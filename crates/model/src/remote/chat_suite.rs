//! What every chat model behind an address must do, run on each dialect against a real connection.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_runtime::Clock;
use ibid_types::answer::Usage;
use ibid_types::{Class, Result, Secret};
use serde_json::json;

use super::{ChatTimeouts, OllamaChat, OpenAiChat, RemoteConfig};
use crate::peer::{Act, Asked, Peer, answer, chunked, nowhere, open};
use crate::{
    BreakerConfig, ChatDelta, ChatMessage, ChatModel, ChatOutcome, ChatRequest, Gate, GateConfig, Provider,
    QuotaConfig, Role, Route, RouteConfig, Unobserved,
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(60);
const PATIENT: ChatTimeouts = ChatTimeouts { first_token: LONG, further_token: LONG, total: LONG };

/// What a kind of provider sends.
#[derive(Clone, Copy)]
struct Speech {
    make: fn(RemoteConfig, ChatTimeouts) -> Box<dyn ChatModel>,
    delta: fn(&str) -> String,
    end: fn(&str) -> String,
    error: fn(&str) -> String,
    probe_path: &'static str,
}

const OPENAI: Speech = Speech {
    make: |config, timeouts| Box::new(OpenAiChat::new("small", config, timeouts).unwrap()),
    delta: |text| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
        )
    },
    end: |reason| {
        let finish = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3}});
        format!(": ping\n\ndata: {finish}\r\n\r\ndata: {usage}\n\ndata: [DONE]\n\n")
    },
    error: |said| format!("data: {}\n\n", json!({"error": {"message": said}})),
    probe_path: "/v1/models",
};

const OLLAMA: Speech = Speech {
    make: |config, timeouts| Box::new(OllamaChat::new("small", config, timeouts).unwrap()),
    delta: |text| format!("{}\n", json!({"message": {"role": "assistant", "content": text}, "done": false})),
    end: |reason| {
        let last = json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": reason,
            "prompt_eval_count": 11, "eval_count": 3});
        format!("{last}\n")
    },
    error: |said| format!("{}\n", json!({"error": said})),
    probe_path: "/api/show",
};

/// A route of one must not show while its provider works, and hands its errors on.
const ROUTED: Speech = Speech {
    make: |config, timeouts| {
        let line = Arc::clone(&config.line);
        let inner = Arc::new(OpenAiChat::new("small", config, timeouts).unwrap());
        let (window, pause) = (Duration::from_secs(60), Duration::from_secs(15));
        let breaker = BreakerConfig { failures_max: 5, share_max: 0.5, calls_min: 20, window, pause };
        let gate = GateConfig { breaker, quota: QuotaConfig::default() };
        let gate = Gate::new("small", gate, line, Clock::system());
        let provider = Arc::new(Provider::new(inner, gate, Arc::new(Unobserved)));
        let config = RouteConfig { hedge_after: None, timeouts: ChatTimeouts::UNBOUNDED };
        Box::new(Route::new("small", vec![provider], config, Arc::new(Unobserved)).unwrap())
    },
    ..OPENAI
};

/// Runs a check on each dialect, and in a route.
fn each(check: impl Fn(Speech)) {
    [OPENAI, OLLAMA, ROUTED].into_iter().for_each(check);
}

impl Speech {
    fn model(self, url: &str, timeouts: ChatTimeouts) -> Box<dyn ChatModel> {
        let config = RemoteConfig {
            url: url.to_owned(),
            model: "tiny".to_owned(),
            api_key: Secret::new("hunter2".to_owned()),
            tokens_max: 2048,
            line: Arc::default(),
        };
        (self.make)(config, timeouts)
    }

    fn whole(self, parts: &[&str], reason: &str) -> String {
        let deltas: String = parts.iter().map(|part| (self.delta)(part)).collect();
        deltas + &(self.end)(reason)
    }

    /// The code of the error that a chat with `peer` ends in.
    fn code(self, peer: &Peer) -> &'static str {
        chat(&*self.model(&peer.url(), PATIENT)).unwrap_err().code
    }
}

fn request() -> ChatRequest {
    let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
    ChatRequest {
        messages: vec![message(Role::System, "be brief"), message(Role::User, "größe?")],
        temperature: 0.0,
        tokens_max: 64,
        stop: vec!["\n\n".to_owned()],
        schema: None,
    }
}

/// A chat to its end; the outcome's text must be what was handed on.
fn chat(model: &dyn ChatModel) -> Result<ChatOutcome> {
    let mut text = String::new();
    let outcome = model.chat(&request(), &mut |delta| {
        let ChatDelta::Text(piece) = delta else { panic!("nothing is taken back") };
        text.push_str(&piece);
        ControlFlow::Continue(())
    })?;
    assert_eq!(outcome.text, text);
    Ok(outcome)
}

#[test]
fn an_answer_comes_in_pieces_with_its_usage() {
    each(|speech| {
        let peer =
            Peer::always(chunked(speech.whole(&["Grö", "ße ", "🦀"], "stop").as_bytes(), 1 << 20, true));
        let outcome = chat(&*speech.model(&peer.url(), PATIENT)).unwrap();
        let usage = Usage { prompt_tokens: 11, completion_tokens: 3 };
        assert_eq!((outcome.text.as_str(), outcome.usage, outcome.complete), ("Größe 🦀", usage, true));
    });
}

#[test]
fn pieces_of_one_byte_change_nothing() {
    each(|speech| {
        let peer = Peer::always(chunked(speech.whole(&["Grö", "ße 🦀"], "stop").as_bytes(), 1, true));
        assert_eq!(chat(&*speech.model(&peer.url(), PATIENT)).unwrap().text, "Größe 🦀");
    });
}

#[test]
fn an_end_at_a_limit_is_not_complete() {
    each(|speech| {
        let peer = Peer::always(answer(200, "", speech.whole(&["a"], "length")));
        assert!(!chat(&*speech.model(&peer.url(), PATIENT)).unwrap().complete);
    });
}

#[test]
fn the_request_says_what_was_asked() {
    each(|speech| {
        let peer = Peer::always(answer(200, "", speech.whole(&["a"], "stop")));
        chat(&*speech.model(&peer.url(), PATIENT)).unwrap();
        let asked = &peer.asked()[0];
        let body = asked.json();
        assert_eq!(asked.header("authorization"), Some("Bearer hunter2"));
        assert_eq!((&body["model"], &body["stream"]), (&json!("tiny"), &json!(true)));
        assert_eq!(body["messages"][1], json!({"role": "user", "content": "größe?"}));
        let options = body.get("options").unwrap_or(&body);
        assert_eq!(options["stop"], json!(["\n\n"]));
        assert!([&options["max_tokens"], &options["num_predict"]].contains(&&json!(64)));
    });
}

#[test]
fn a_model_is_held_to_a_schema() {
    each(|speech| {
        let peer = Peer::always(answer(200, "", speech.whole(&["{}"], "stop")));
        let schema = json!({"type": "object"});
        let request = ChatRequest { schema: Some(schema.clone()), ..request() };
        speech.model(&peer.url(), PATIENT).chat(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        let body = peer.asked()[0].json();
        let places = ["/format", "/response_format/json_schema/schema"];
        assert!(places.iter().any(|place| body.pointer(place) == Some(&schema)), "{body}");
    });
}

#[test]
fn a_caller_that_has_enough_ends_the_request() {
    each(|speech| {
        let body = (speech.delta)("one") + &(speech.delta)("two");
        let peer = Peer::always(vec![open("x"), Act::Send(body.into_bytes()), Act::Stall]);
        let model = speech.model(&peer.url(), PATIENT);
        let outcome = model.chat(&request(), &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!((outcome.text.as_str(), outcome.complete), ("one", false));
        peer.end();
    });
}

#[test]
fn a_stall_before_the_first_token_ends_in_time() {
    each(|speech| {
        for acts in [
            vec![Act::Stall],
            vec![open("x"), Act::Stall],
            vec![open("x"), Act::Send(b"\n".to_vec()), Act::Stall],
        ] {
            let peer = Peer::always(acts);
            let timeouts = ChatTimeouts { first_token: SHORT, ..PATIENT };
            let error = chat(&*speech.model(&peer.url(), timeouts)).unwrap_err();
            assert_eq!((error.class, error.code), (Class::Timeout, "provider_timeout"));
            assert!(error.message.contains("a first token"), "{}", error.message);
            peer.end();
        }
    });
}

#[test]
fn a_stall_between_tokens_ends_in_time() {
    each(|speech| {
        let peer = Peer::always(vec![open("x"), Act::Send((speech.delta)("a").into_bytes()), Act::Stall]);
        let timeouts = ChatTimeouts { further_token: SHORT, ..PATIENT };
        let error = chat(&*speech.model(&peer.url(), timeouts)).unwrap_err();
        assert!(error.message.contains("a further token"), "{}", error.message);
    });
}

#[test]
fn the_whole_answer_has_its_limit() {
    each(|speech| {
        let peer = Peer::always(vec![open("x"), Act::Send((speech.delta)("a").into_bytes()), Act::Stall]);
        let timeouts = ChatTimeouts { total: SHORT, ..PATIENT };
        let error = chat(&*speech.model(&peer.url(), timeouts)).unwrap_err();
        assert!(error.message.contains("the whole answer"), "{}", error.message);
    });
}

#[test]
fn a_busy_provider_is_asked_again() {
    each(|speech| {
        for status in [429, 503] {
            let body = speech.whole(&["a"], "stop");
            let peer = Peer::start(move |asked: &Asked| match asked.number {
                0 | 1 => answer(status, "retry-after: 0\r\n", "{}"),
                _ => answer(200, "", &body),
            });
            assert_eq!(chat(&*speech.model(&peer.url(), PATIENT)).unwrap().text, "a");
            assert_eq!(peer.asked().len(), 3);
        }
    });
}

#[test]
fn a_provider_that_stays_busy_is_reported() {
    each(|speech| {
        let peer = Peer::always(answer(429, "retry-after: 0\r\n", r#"{"error":{"message":"quota"}}"#));
        let error = chat(&*speech.model(&peer.url(), PATIENT)).unwrap_err();
        assert_eq!((error.code, error.class.is_transient()), ("provider_busy", true));
        assert!(error.message.contains("quota"), "{}", error.message);
        assert_eq!(peer.asked().len(), 4);
    });
}

#[test]
fn a_pause_longer_than_the_patience_is_not_waited_for() {
    each(|speech| {
        let peer = Peer::always(answer(503, "retry-after: 3600\r\n", "{}"));
        assert_eq!(speech.code(&peer), "provider_busy");
        assert_eq!(peer.asked().len(), 1);
    });
}

#[test]
fn nothing_is_retried_after_the_first_token() {
    each(|speech| {
        let cut = [
            chunked((speech.delta)("a").as_bytes(), 999, false),
            vec![open("x"), Act::Send((speech.delta)("a").into_bytes())],
        ];
        for acts in cut {
            let peer = Peer::always(acts);
            assert_eq!(speech.code(&peer), "provider_broken_answer");
            assert_eq!(peer.asked().len(), 1);
        }
    });
}

#[test]
fn refusals_are_told_apart() {
    each(|speech| {
        let overflow = r#"{"error":"the request exceeds the available context size"}"#;
        for (status, body, code) in [
            (401, "{}", "provider_refused_key"),
            (404, r#"{"error":"model 'tiny' not found"}"#, "provider_model_unknown"),
            (400, overflow, "provider_context_exceeded"),
            (400, "{}", "provider_refused"),
            (500, "<html>oops</html>", "provider_failed"),
            (302, "", "provider_broken_answer"),
        ] {
            let peer = Peer::always(answer(status, "location: /elsewhere\r\n", body));
            assert_eq!(speech.code(&peer), code, "{status}");
            assert_eq!(peer.asked().len(), 1, "{status}");
        }
    });
}

#[test]
fn an_error_within_the_stream_is_an_error() {
    each(|speech| {
        let peer =
            Peer::always(answer(200, "", (speech.delta)("a") + &(speech.error)("hunter2 out of memory")));
        let error = chat(&*speech.model(&peer.url(), PATIENT)).unwrap_err();
        assert_eq!(error.code, "provider_failed");
        assert!(
            error.message.contains("out of memory") && !error.message.contains("hunter2"),
            "{}",
            error.message
        );
    });
}

#[test]
fn what_is_not_of_the_protocol_is_an_error() {
    each(|speech| {
        let long = format!("data: {}", "x".repeat(5 << 20));
        for body in
            ["", "\n\n", "<html>hello</html>\n\n", "data: {\n\n", "{\"a\":\n", "data: \u{0}\n\n", &long]
        {
            let peer = Peer::always(answer(200, "", body));
            let code = speech.code(&peer);
            assert_eq!(code, "provider_broken_answer", "{:?}", body.chars().take(20).collect::<String>());
        }
        let peer = Peer::always(vec![Act::Send(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())]);
        assert_eq!(speech.code(&peer), "provider_broken_answer");
    });
}

#[test]
fn a_provider_that_is_not_there_is_unreachable() {
    each(|speech| {
        let model = speech.model(&nowhere(), PATIENT);
        let error = chat(&*model).unwrap_err();
        assert_eq!((error.class, error.code), (Class::Unavailable, "provider_unreachable"));
        assert!(error.message.contains("127.0.0.1") && error.message.contains("'tiny'"), "{}", error.message);
        assert_eq!(model.probe().unwrap_err().code, "provider_unreachable");
    });
}

#[test]
fn a_probe_asks_without_generating() {
    each(|speech| {
        let peer = Peer::always(answer(200, "", "{}"));
        speech.model(&peer.url(), PATIENT).probe().unwrap();
        assert_eq!(peer.asked()[0].path, speech.probe_path);
        let refusing = Peer::always(answer(401, "", "{}"));
        assert_eq!(speech.model(&refusing.url(), PATIENT).probe().unwrap_err().code, "provider_refused_key");
    });
}

#[test]
fn many_chats_at_once_do_not_mix() {
    each(|speech| {
        let peer = Peer::start(move |asked: &Asked| {
            let number = asked.number.to_string();
            chunked(speech.whole(&[&number, "-", &number], "stop").as_bytes(), 5, true)
        });
        let model = speech.model(&peer.url(), PATIENT);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let text = chat(&*model).unwrap().text;
                    let (first, second) = text.split_once('-').unwrap();
                    assert_eq!(first, second);
                });
            }
        });
        assert_eq!(peer.asked().len(), 8);
    });
}

#[test]
fn a_refused_parameter_is_left_out_from_then_on() {
    let body = OPENAI.whole(&["a"], "stop");
    let peer = Peer::start(move |asked: &Asked| {
        let sent = asked.json();
        let refuse = |said: &str| answer(400, "", json!({"error": {"message": said}}).to_string());
        if sent.get("max_tokens").is_some() {
            refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        } else if sent.get("stream_options").is_some() {
            refuse("Extra inputs are not permitted: \"stream_options\"")
        } else {
            assert_eq!(sent["max_completion_tokens"], json!(64));
            answer(200, "", &body)
        }
    });
    let model = OPENAI.model(&peer.url(), PATIENT);
    chat(&*model).unwrap();
    assert_eq!(peer.asked().len(), 3);
    chat(&*model).unwrap();
    assert_eq!(peer.asked().len(), 4);
}

#[test]
fn an_answer_without_its_last_mark_counts_once_the_model_is_done() {
    let finish = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    for acts in [answer(200, "", finish), chunked(finish.as_bytes(), 9, false)] {
        let peer = Peer::always(acts);
        let outcome = chat(&*OPENAI.model(&peer.url(), PATIENT)).unwrap();
        assert_eq!((outcome.text.as_str(), outcome.complete), ("a", true));
    }
}

#[test]
fn an_ollama_server_is_found_with_its_latest_chat_model() {
    let peer = Peer::start(|asked: &Asked| match asked.path.as_str() {
        "/api/tags" => answer(
            200,
            "",
            json!({"models": [
            {"name": "nomic-embed-text:latest", "details": {"family": "nomic-bert"}},
            {"name": "llama3.2:1b", "size": 1, "details": {"family": "llama"}},
            {"name": "qwen2.5:3b"}]})
            .to_string(),
        ),
        _ => answer(200, "", json!({"model_info": {"llama.context_length": 2048}}).to_string()),
    });
    let model = super::ollama::detect_at(&peer.url(), PATIENT, Arc::default()).unwrap();
    assert_eq!((model.name(), model.context_tokens()), ("llama3.2:1b", 2048));
}

#[test]
fn no_ollama_server_is_no_model() {
    assert!(super::ollama::detect_at(&nowhere(), PATIENT, Arc::default()).is_none());
    for body in ["", "{}", "{\"models\":[]}", "[]"] {
        let peer = Peer::always(answer(200, "", body));
        assert!(super::ollama::detect_at(&peer.url(), PATIENT, Arc::default()).is_none(), "{body}");
    }
}
