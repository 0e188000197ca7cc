//! `ibid log` and `ibid ops`.

use std::process::ExitCode;

use ibid_api::ops::LogLevel;
use ibid_types::{Error, Result};

use crate::args::{Log, Ops};
use crate::context::Context;
use crate::output::{json, line};

pub fn log(context: &Context, command: Log) -> Result<ExitCode> {
    let Log::Level { level } = command;
    context.needs_server()?;
    let level: LogLevel = match level {
        None => context.client.get("/v1/ops/log-level")?.json()?,
        Some(level) => context.client.put("/v1/ops/log-level", &LogLevel { level })?.json()?,
    };
    if context.common.json {
        json(&level)?
    } else {
        line(&level.level)?
    }
    Ok(ExitCode::SUCCESS)
}

pub fn ops(command: &Ops) -> Result<ExitCode> {
    let Ops::Dashboards { into } = command;
    let unwritable = |error: std::io::Error| {
        let what =
            format!("cannot write into {}; name a folder with --into that you may write", into.display());
        Error::unavailable("dashboards_unwritable", what).caused_by(error)
    };
    std::fs::create_dir_all(into).map_err(unwritable)?;
    for (name, text) in ibid_ops::dashboard::files() {
        let path = into.join(name);
        std::fs::write(&path, text).map_err(unwritable)?;
        line(&path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}
