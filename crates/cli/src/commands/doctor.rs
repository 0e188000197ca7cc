//! `ibid doctor`: works also where the store cannot be opened, which is then a finding.

use std::process::ExitCode;

use ibid_api::watch::Finding;
use ibid_ops::doctor::{self, OUTSIDE};
use ibid_runtime::Clock;
use ibid_serve::{LocalServer, Mode};
use ibid_types::{Error, Result};

use crate::args::{Common, Doctor};
use crate::context::{Context, configuration};
use crate::output::{Color, foreign, json, line};

/// Something is wrong.
const FINDINGS: u8 = 1;
const AREAS: [&str; 13] = [
    "configuration",
    "disk",
    "permissions",
    "clock",
    "port",
    "store",
    "blobs",
    "models",
    "providers",
    "index",
    "backup",
    "jobs",
    "alerts",
];

pub fn run(common: &Common, arguments: &Doctor) -> Result<ExitCode> {
    if let Some(unknown) = arguments.only.iter().find(|area| !AREAS.contains(&area.as_str())) {
        let what = format!("there is no area '{unknown}'; use {}", AREAS.join(", "));
        return Err(Error::bad_request("value_unknown", what));
    }
    let wanted = |area: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == area);
    let mut findings = outside(common);
    if AREAS.iter().any(|area| !OUTSIDE.contains(area) && wanted(area)) {
        findings.extend(inside(common));
    }
    findings.retain(|finding| wanted(&finding.area));
    if common.json {
        json(&findings)?;
    } else {
        let color = Color::new(common.color);
        findings.iter().try_for_each(|finding| show(finding, color))?;
    }
    let is_ill = findings.iter().any(|finding| finding.state == "problem");
    Ok(if is_ill { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn show(finding: &Finding, color: Color) -> Result<()> {
    let state = match finding.state.as_str() {
        "ok" => color.green("ok     "),
        "note" => color.yellow("note   "),
        _ => color.red("problem"),
    };
    let what = foreign(&finding.what);
    if finding.fix.is_empty() {
        return line(&format!("{state}  {:<13}  {what}", finding.area));
    }
    line(&format!("{state}  {:<13}  {what} [{}]", finding.area, finding.code))?;
    line(&color.dim(&format!("{:24}  {}", "", finding.fix)))
}

/// What can be seen without the store. On another server's machine nothing of it is ours.
fn outside(common: &Common) -> Vec<Finding> {
    if common.server.is_some() {
        return Vec::new();
    }
    match configuration(common) {
        Ok((config, _)) => {
            let is_served = LocalServer::find(&config.data.dir).is_some();
            doctor::outside(&config, Clock::system().now(), is_served).into_iter().map(wire).collect()
        }
        Err(error) => vec![wire(doctor::Finding::of_error("configuration", &error))],
    }
}

/// What the application says of itself; where it cannot be opened, that.
fn inside(common: &Common) -> Vec<Finding> {
    let asked = Context::open(common.clone(), Mode::Command)
        .and_then(|context| context.client.get("/v1/ops/doctor")?.json::<Vec<Finding>>());
    asked.unwrap_or_else(|error| vec![wire(doctor::Finding::of_error(area_of(error.code), &error))])
}

/// Which area an error that keeps the application from opening is of.
fn area_of(code: &str) -> &'static str {
    match code.split('_').next() {
        Some("index") => "index",
        Some("blob" | "blobs") => "blobs",
        Some("model" | "embedder") => "models",
        Some("backup") => "backup",
        Some("config" | "alert" | "notify" | "data") => "configuration",
        _ => "store",
    }
}

fn wire(finding: doctor::Finding) -> Finding {
    Finding {
        area: finding.area.to_owned(),
        state: finding.state.name().to_owned(),
        code: finding.code,
        what: finding.what,
        fix: finding.fix,
    }
}
