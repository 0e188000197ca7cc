//! `ibid models`: the files that local models need.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ibid_model::manifest::{self, Entry, Progress, PullOptions, Status, Step};
use ibid_serve::models_dir;
use ibid_types::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::args::{Common, Models};
use crate::context::configuration;
use crate::output::{Color, json, line};

pub fn run(common: &Common, command: Models) -> Result<ExitCode> {
    let dir = models_dir(&configuration(common)?.0);
    match command {
        Models::List => list(common, &dir)?,
        Models::Pull { name, from, index_url } => pull(common, &dir, &name, PullOptions { from, index_url })?,
        Models::Verify { name } => verify(common, &dir, &name)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A model as `--json` shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    purpose: &'static str,
    license: &'static str,
    source: String,
    bytes: u64,
    status: String,
    dir: PathBuf,
    files: Vec<ListedFile>,
}

#[derive(Debug, Serialize)]
struct ListedFile {
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
}

fn listed(models_dir: &Path, entry: &'static Entry) -> Result<Listed> {
    let files = entry.files.iter();
    Ok(Listed {
        name: entry.name,
        purpose: entry.purpose,
        license: entry.license,
        source: format!("Python package {} {}", entry.package, entry.version),
        bytes: entry.bytes(),
        status: manifest::status(models_dir, entry.name)?.to_string(),
        dir: manifest::dir(models_dir, entry.name),
        files: files
            .map(|file| ListedFile { name: file.name, bytes: file.bytes, sha256: file.sha256 })
            .collect(),
    })
}

fn list(common: &Common, models_dir: &Path) -> Result<()> {
    let models =
        manifest::entries().iter().map(|entry| listed(models_dir, entry)).collect::<Result<Vec<_>>>()?;
    if common.json {
        return json(&models);
    }
    let color = Color::new(common.color);
    for model in models {
        let present = model.status == Status::Present.to_string();
        let status = if present { color.green(&model.status) } else { color.yellow(&model.status) };
        line(&format!("{}  {status}", color.bold(model.name)))?;
        line(&format!("  {}; {} MB, {}", model.purpose, model.bytes / 1_000_000, model.license))?;
        line(&color.dim(&format!("  from the {}, in {}", model.source, model.dir.display())))?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct Outcome<'a> {
    name: &'a str,
    dir: PathBuf,
    bytes: u64,
    was_present: bool,
}

fn pull(common: &Common, models_dir: &Path, name: &str, options: PullOptions) -> Result<()> {
    let bar = Bar::new(common);
    let pulled = manifest::pull(models_dir, name, &options, &mut |progress| bar.show(progress))?;
    bar.0.finish_and_clear();
    if common.json {
        let (bytes, was_present) = (pulled.bytes, pulled.was_present);
        return json(&Outcome { name, dir: pulled.dir, bytes, was_present });
    }
    let did = if pulled.was_present { "is already here" } else { "is here" };
    line(&format!("{name} {did}: {} MB in {}", pulled.bytes / 1_000_000, pulled.dir.display()))
}

fn verify(common: &Common, models_dir: &Path, name: &str) -> Result<()> {
    let bar = Bar::new(common);
    manifest::verify(models_dir, name, &mut |progress| bar.show(progress))?;
    bar.0.finish_and_clear();
    let entry = manifest::find(name)?;
    let dir = manifest::dir(models_dir, name);
    if common.json {
        return json(&Outcome { name, dir, bytes: entry.bytes(), was_present: true });
    }
    line(&format!("{name} is whole: every file has the size and SHA-256 of the manifest"))
}

/// Bytes of the step that runs, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(common: &Common) -> Self {
        if common.json || !Color::new(common.color).err {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg:<12} {bar:30} {bytes}/{total_bytes} {eta}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, Progress { step, bytes_done, bytes_total }: Progress) {
        if step == Step::Find {
            return self.0.set_message(step.to_string());
        }
        self.0.set_message(step.to_string());
        self.0.set_length(bytes_total);
        self.0.set_position(bytes_done);
    }
}
