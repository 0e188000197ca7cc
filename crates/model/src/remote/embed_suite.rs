//! What every embedder behind an address must do, run on each dialect against a real connection.

use ibid_types::{Class, Result, Secret};
use serde_json::{Value, json};

use super::{OllamaEmbedder, OpenAiEmbedder, RemoteConfig};
use crate::peer::{Act, Asked, Peer, answer, nowhere};
use crate::{Embedder, Purpose};

type Connect = fn(RemoteConfig) -> Result<Box<dyn Embedder>>;

/// What a kind of provider sends.
#[derive(Clone, Copy)]
struct Speech {
    connect: Connect,
    vectors: fn(&[Value]) -> Value,
    provider: &'static str,
}

const OPENAI: Speech = Speech {
    connect: |config| OpenAiEmbedder::connect(config).map(|embedder| Box::new(embedder) as _),
    vectors: |vectors| {
        let data = vectors.iter().enumerate();
        let data: Vec<Value> = data.map(|(index, v)| json!({"index": index, "embedding": v})).rev().collect();
        json!({ "data": data })
    },
    provider: "openai",
};

const OLLAMA: Speech = Speech {
    connect: |config| OllamaEmbedder::connect(config).map(|embedder| Box::new(embedder) as _),
    vectors: |vectors| json!({ "embeddings": vectors }),
    provider: "ollama",
};

fn each(check: impl Fn(Speech)) {
    [OPENAI, OLLAMA].into_iter().for_each(check);
}

impl Speech {
    fn embedder(self, url: &str, model: &str) -> Result<Box<dyn Embedder>> {
        let api_key = Secret::new("hunter2".to_owned());
        let config = RemoteConfig {
            url: url.to_owned(),
            model: model.to_owned(),
            api_key,
            tokens_max: 16,
            line: std::sync::Arc::default(),
        };
        (self.connect)(config)
    }

    /// Vectors of which the first number is the number that the text is, times 3, and the second 4.
    fn vectors_of(self, asked: &Asked) -> Vec<Act> {
        let inputs = asked.json()["input"].as_array().unwrap().clone();
        let number = |text: &Value| text.as_str().unwrap().trim().parse().unwrap_or(1.0);
        let vectors: Vec<Value> = inputs.iter().map(|text| json!([number(text) * 3.0, 4.0])).collect();
        answer(200, "", (self.vectors)(&vectors).to_string())
    }

    /// A server that answers the probe well and everything else with `body`.
    fn then(self, status: u16, body: String) -> Peer {
        Peer::start(move |asked: &Asked| match asked.number {
            0 => self.vectors_of(asked),
            _ => answer(status, "", &body),
        })
    }

    /// The code of the error that embedding two texts with `peer` ends in.
    fn code(self, peer: &Peer) -> &'static str {
        let embedder = self.embedder(&peer.url(), "tiny").unwrap();
        embedder.embed(&["1", "2"], Purpose::Passage).unwrap_err().code
    }
}

#[test]
fn connecting_learns_the_dimensions() {
    each(|speech| {
        let peer = Peer::start(move |asked| speech.vectors_of(asked));
        let embedder = speech.embedder(&peer.url(), "tiny").unwrap();
        assert_eq!((embedder.spec().dimensions, embedder.spec().tokens_max), (2, 16));
        assert_eq!(embedder.spec().id, format!("{}/tiny", speech.provider));
        assert_eq!(peer.asked()[0].header("authorization"), Some("Bearer hunter2"));
    });
}

#[test]
fn vectors_are_of_length_1_in_the_order_of_the_texts() {
    each(|speech| {
        let peer = Peer::start(move |asked| speech.vectors_of(asked));
        let embedder = speech.embedder(&peer.url(), "tiny").unwrap();
        let texts: Vec<String> = (0..150).map(|number| number.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts, Purpose::Passage).unwrap();
        assert_eq!(vectors[1], [0.6, 0.8]);
        for (number, vector) in vectors.iter().enumerate() {
            let length = (number as f32 * 3.0).hypot(4.0);
            assert!((vector[1] - 4.0 / length).abs() < 1e-6, "{number}");
        }
        let sizes: Vec<usize> =
            peer.asked().iter().map(|asked| asked.json()["input"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [1, 64, 64, 22]);
    });
}

#[test]
fn no_texts_are_no_request() {
    each(|speech| {
        let peer = Peer::start(move |asked| speech.vectors_of(asked));
        let embedder = speech.embedder(&peer.url(), "tiny").unwrap();
        assert_eq!(embedder.embed(&[], Purpose::Question).unwrap(), Vec::<Vec<f32>>::new());
        assert_eq!(peer.asked().len(), 1);
    });
}

#[test]
fn long_texts_are_cut_and_empty_ones_filled() {
    each(|speech| {
        let peer = Peer::start(move |asked| speech.vectors_of(asked));
        let embedder = speech.embedder(&peer.url(), "tiny").unwrap();
        let long = "word ".repeat(100);
        assert!(embedder.count_tokens(&long) >= 100);
        embedder.embed(&[&long, ""], Purpose::Passage).unwrap();
        let sent = peer.asked()[1].json();
        let cut = sent["input"][0].as_str().unwrap();
        assert!(long.starts_with(cut) && embedder.count_tokens(cut) <= 16, "{cut}");
        assert_eq!(sent["input"][1], " ");
    });
}

#[test]
fn models_get_the_words_that_they_were_trained_with() {
    each(|speech| {
        let peer = Peer::start(move |asked| speech.vectors_of(asked));
        let embedder = speech.embedder(&peer.url(), "nomic-embed-text").unwrap();
        embedder.embed(&["7"], Purpose::Question).unwrap();
        embedder.embed(&["7"], Purpose::Passage).unwrap();
        let sent: Vec<Value> = peer.asked().iter().map(|asked| asked.json()["input"][0].clone()).collect();
        assert_eq!(sent[1..], [json!("search_query: 7"), json!("search_document: 7")]);
    });
}

#[test]
fn other_dimensions_than_at_the_start_are_an_error() {
    each(|speech| {
        let body = (speech.vectors)(&[json!([1, 0, 0]), json!([1, 0, 0])]).to_string();
        let peer = speech.then(200, body);
        let error =
            speech.embedder(&peer.url(), "tiny").unwrap().embed(&["1", "2"], Purpose::Passage).unwrap_err();
        assert_eq!((error.class, error.code), (Class::Conflict, "embedder_dimensions_changed"));
    });
}

#[test]
fn answers_that_are_not_one_vector_a_text_are_errors() {
    each(|speech| {
        let too_few = (speech.vectors)(&[json!([1, 0])]).to_string();
        let too_many = (speech.vectors)(&[json!([1, 0]), json!([1, 0]), json!([1, 0])]).to_string();
        let no_direction = (speech.vectors)(&[json!([0, 0]), json!([1, 0])]).to_string();
        let no_number = (speech.vectors)(&[json!([null, 0]), json!([1, 0])]).to_string();
        let endless = (speech.vectors)(&[json!([1e39, 0]), json!([1, 0])]).to_string();
        for body in [too_few, too_many, no_direction, no_number, endless, "<html>".to_owned(), String::new()]
        {
            let peer = speech.then(200, body.clone());
            assert_eq!(speech.code(&peer), "provider_broken_answer", "{body}");
        }
    });
}

#[test]
fn refusals_are_told_apart() {
    each(|speech| {
        for (status, code) in
            [(401, "provider_refused_key"), (404, "provider_model_unknown"), (500, "provider_failed")]
        {
            assert_eq!(speech.code(&speech.then(status, "{}".to_owned())), code);
        }
        let too_long = r#"{"error":"the input length exceeds the context length"}"#;
        assert_eq!(speech.code(&speech.then(400, too_long.to_owned())), "provider_context_exceeded");
    });
}

#[test]
fn a_busy_provider_is_asked_again() {
    each(|speech| {
        let peer = Peer::start(move |asked: &Asked| match asked.number % 2 {
            0 => answer(503, "retry-after: 0\r\n", "{}"),
            _ => speech.vectors_of(asked),
        });
        let embedder = speech.embedder(&peer.url(), "tiny").unwrap();
        assert_eq!(embedder.embed(&["1"], Purpose::Passage).unwrap(), [[0.6, 0.8]]);
    });
}

#[test]
fn connecting_to_nowhere_is_told() {
    each(|speech| {
        let error = speech.embedder(&nowhere(), "tiny").unwrap_err();
        assert_eq!(error.code, "provider_unreachable");
        assert!(
            error.message.contains(speech.provider) && error.message.contains("'tiny'"),
            "{}",
            error.message
        );
    });
}

#[test]
fn a_model_without_dimensions_is_refused() {
    each(|speech| {
        let peer = Peer::always(answer(200, "", (speech.vectors)(&[json!([])]).to_string()));
        assert_eq!(speech.embedder(&peer.url(), "tiny").unwrap_err().code, "provider_broken_answer");
    });
}
