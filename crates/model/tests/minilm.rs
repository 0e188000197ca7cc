//! The in-process embedder on a tiny model made here, and on the real one where `IBID_TEST_MODELS` names its folder.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use ibid_model::{Embedder, Isa, MiniLm, Purpose};

const HIDDEN: usize = 32;
const WIDE: usize = 64;
const POSITIONS: usize = 300;
const WORDS: [&str; 10] = ["[UNK]", "[CLS]", "[SEP]", "the", "tern", "island", "lends", "tools", "##s", "."];

/// A model folder with one layer of seeded weights.
fn tiny_model(dir: &Path) {
    let config = format!(
        r#"{{"hidden_size":{HIDDEN},"num_hidden_layers":1,"num_attention_heads":4,"intermediate_size":{WIDE},
            "vocab_size":{},"max_position_embeddings":{POSITIONS},"hidden_act":"gelu"}}"#,
        WORDS.len()
    );
    std::fs::write(dir.join("config.json"), config).unwrap();
    std::fs::write(dir.join("vocab.txt"), WORDS.join("\n")).unwrap();
    std::fs::write(dir.join("model.safetensors"), tensors()).unwrap();
}

fn tensors() -> Vec<u8> {
    let at = "encoder.layer.0";
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![WORDS.len(), HIDDEN]),
        ("embeddings.position_embeddings.weight".into(), vec![POSITIONS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, HIDDEN]),
    ];
    let mut linear = |name: &str, inputs, outputs| {
        shapes.push((format!("{at}.{name}.weight"), vec![outputs, inputs]));
        shapes.push((format!("{at}.{name}.bias"), vec![outputs]));
    };
    for name in
        ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    {
        linear(name, HIDDEN, HIDDEN);
    }
    linear("intermediate.dense", HIDDEN, WIDE);
    linear("output.dense", WIDE, HIDDEN);
    for name in ["embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"] {
        shapes.push((format!("{name}.LayerNorm.weight"), vec![HIDDEN]));
        shapes.push((format!("{name}.LayerNorm.bias"), vec![HIDDEN]));
    }
    safetensors(&shapes)
}

fn safetensors(shapes: &[(String, Vec<usize>)]) -> Vec<u8> {
    let (mut header, mut data, mut state) = (serde_json::Map::new(), Vec::<u8>::new(), 7_u32);
    for (name, shape) in shapes {
        let start = data.len();
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            data.extend(((state >> 8) as f32 / 8_388_608.0 - 1.0).to_le_bytes());
        }
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn embed(model: &MiniLm, texts: &[&str]) -> Vec<Vec<f32>> {
    model.embed(texts, Purpose::Passage).unwrap()
}

#[test]
fn a_text_has_the_same_vector_alone_in_a_batch_and_on_more_threads() {
    let dir = tempfile::tempdir().unwrap();
    tiny_model(dir.path());
    let long = "tern island lends tools . ".repeat(80);
    let texts = ["the tern", "", "island tools .", &long, "lends unknown words", "tools", "the the the"];
    let one = MiniLm::load(dir.path(), 1).unwrap();
    let many = embed(&MiniLm::load(dir.path(), 3).unwrap(), &texts);
    assert_eq!(embed(&one, &texts), many);
    for (text, vector) in texts.iter().zip(&many) {
        assert_eq!(&embed(&one, &[text])[0], vector, "{text}");
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn every_instruction_set_gives_the_same_direction() {
    let dir = tempfile::tempdir().unwrap();
    tiny_model(dir.path());
    let texts = ["the tern island lends tools .", "tools", "lends the island"];
    let plain = embed(&MiniLm::load_for(dir.path(), 1, Isa::Portable).unwrap(), &texts);
    for isa in [Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni] {
        let other = embed(&MiniLm::load_for(dir.path(), 1, isa).unwrap(), &texts);
        for (a, b) in plain.iter().zip(&other) {
            assert!(cosine(a, b) > 0.9999, "{isa:?}: {}", cosine(a, b));
        }
    }
}

#[test]
fn what_is_beyond_the_limit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    tiny_model(dir.path());
    let model = MiniLm::load(dir.path(), 1).unwrap();
    let long = "tern ".repeat(254);
    assert_eq!(model.tokens(&format!("{long} island")).len(), 256);
    assert_eq!(embed(&model, &[&long]), embed(&model, &[&format!("{long} island tools")]));
}

#[test]
fn a_missing_or_broken_file_is_named() {
    for (file, content, code) in [
        ("config.json", None, "model_missing"),
        ("vocab.txt", None, "model_missing"),
        ("model.safetensors", None, "model_missing"),
        ("config.json", Some(&b"{}"[..]), "model_corrupt"),
        ("vocab.txt", Some(b"a\nb"), "model_corrupt"),
        ("model.safetensors", Some(b"\xff\xff\xff\xff\xff\xff\xff\xff"), "model_corrupt"),
        ("model.safetensors", Some(b"\x02\0\0\0\0\0\0\0{}"), "model_corrupt"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        tiny_model(dir.path());
        let path = dir.path().join(file);
        content.map_or_else(|| std::fs::remove_file(&path), |bytes| std::fs::write(&path, bytes)).unwrap();
        let error = MiniLm::load(dir.path(), 1).unwrap_err();
        assert_eq!(error.code, code, "{file}");
        assert!(error.to_string().contains(file), "{error}");
    }
}

/// First components of the vectors that a plain 32-bit forward pass in NumPy gives for these texts.
#[test]
fn the_real_model_gives_the_reference_vectors() {
    let Some(models) = std::env::var_os("IBID_TEST_MODELS").map(PathBuf::from) else {
        eprintln!("skipped: IBID_TEST_MODELS names no folder with models");
        return;
    };
    let model = MiniLm::load(&models.join("all-MiniLM-L6-v2"), 1).unwrap();
    for (text, tokens, first) in REFERENCE {
        let vector = &embed(&model, &[text])[0];
        assert_eq!(model.tokens(text), *tokens, "{text}");
        for (value, expected) in vector.iter().zip(first) {
            assert!((value - expected).abs() < 1e-3, "{text}: {value} {expected}");
        }
    }
}

type Reference = (&'static str, &'static [u32], [f32; 4]);

const REFERENCE: &[Reference] = &[
    (
        "Tern Island lends tools.",
        &[101, 28774, 2078, 2479, 18496, 2015, 5906, 1012, 102],
        [-0.03999, -0.00115, -0.02397, -0.02261],
    ),
    (
        "Größe: 1,234.56 mm",
        &[101, 24665, 2080, 17499, 1024, 1015, 1010, 22018, 1012, 5179, 3461, 102],
        [0.02872, 0.08054, -0.06510, -0.04060],
    ),
    ("工具 tool", &[101, 100, 100, 6994, 102], [-0.10325, -0.00579, 0.01714, 0.01578]),
];
