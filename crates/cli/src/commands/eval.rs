//! `ibid eval`: how well search finds what people judged relevant.

use std::process::ExitCode;
use std::sync::Arc;

use ibid_bench::eval::{self, EvalConfig, Progress};
use ibid_types::Result;
use ibid_types::search::Mode;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Common, Eval, SearchMode};
use crate::context::configuration;
use crate::output::{Color, json, line};

pub fn run(common: &Common, arguments: &Eval) -> Result<ExitCode> {
    let (config, _) = configuration(common)?;
    let embedder = ibid_serve::make_embedder(&config)?;
    let mut reports = Vec::new();
    for folder in &arguments.folders {
        let bar = bar(common);
        let config = eval_config(arguments, folder)?;
        let report = eval::run(&config, Arc::clone(&embedder), &mut |progress| show(&bar, progress))?;
        bar.finish_and_clear();
        if !common.json {
            line(&report.to_string())?;
        }
        reports.push(report);
    }
    if common.json {
        json(&reports)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn eval_config(arguments: &Eval, folder: &std::path::Path) -> Result<EvalConfig> {
    let mut config = EvalConfig::new(folder);
    config.modes = arguments.modes.iter().map(|mode| mode_of(*mode)).collect();
    config.cache = arguments.cache.clone();
    config.queries_max = arguments.queries;
    for setting in &arguments.with {
        config.config.set(setting)?;
    }
    if !arguments.compare.is_empty() {
        let mut other = config.config.clone();
        for setting in &arguments.compare {
            other.set(setting)?;
        }
        config.compare = Some(other);
    }
    Ok(config)
}

const fn mode_of(mode: SearchMode) -> Mode {
    match mode {
        SearchMode::Hybrid => Mode::Hybrid,
        SearchMode::Lexical => Mode::Lexical,
        SearchMode::Dense => Mode::Dense,
    }
}

fn bar(common: &Common) -> ProgressBar {
    if common.json || !Color::new(common.color).err {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:<12} {bar:30} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, Progress { step, done, total }: Progress) {
    bar.set_message(step.name());
    bar.set_length(total as u64);
    bar.set_position(done as u64);
}
