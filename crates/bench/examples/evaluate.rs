//! `ibid eval` without the program around it: `evaluate MODEL_FOLDER CACHE_FOLDER COLLECTION... [-- KEY=VALUE...]`.
//! Settings behind `--` are compared with the standard ones.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use ibid_bench::eval::{EvalConfig, run};
use ibid_model::MiniLm;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let settings = arguments.iter().position(|argument| argument == "--").map(|at| arguments.split_off(at));
    let [model, cache, folders @ ..] = arguments.as_slice() else {
        return Err("say MODEL_FOLDER CACHE_FOLDER COLLECTION... [-- KEY=VALUE...]".into());
    };
    let embedder = Arc::new(MiniLm::load(Path::new(model), 0)?);
    for folder in folders {
        let mut config = EvalConfig { cache: Some(cache.into()), ..EvalConfig::new(folder) };
        for setting in settings.iter().flatten().skip(1) {
            config.compare.get_or_insert_with(|| config.config.clone()).set(setting)?;
        }
        let report = run(&config, embedder.clone(), &mut |_| {})?;
        println!("{report}");
    }
    Ok(())
}
