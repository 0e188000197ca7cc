//! `ibid doctor`: works also where the store cannot be opened, which is then a finding.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ibid_api::watch::Finding;
use ibid_config::Config;
use ibid_ops::doctor::{self, AREAS, OUTSIDE};
use ibid_ops::metric::read_text;
use ibid_runtime::{Clock, Shutdown};
use ibid_serve::{Backups, LocalServer, Mode};
use ibid_types::Result;

use crate::args::{Common, Doctor};
use crate::context::{Context, configuration};
use crate::output::{Color, foreign, json, line};

/// Something is wrong.
const FINDINGS: u8 = 1;
/// How long a server may take to say that it lives.
const LIVE_WITHIN: Duration = Duration::from_secs(3);
/// How long requests are watched: when that is what is asked for, and else. So many requests are enough.
const WATCHED: Duration = Duration::from_secs(5);
const WATCHED_BESIDES: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(250);
const REQUESTS_ENOUGH: f64 = 40.0;
/// What keeps the rest from being looked at, and is told whatever was asked for.
const STOPPERS: [&str; 2] = ["library_lost", "server_hung"];

pub fn run(common: &Common, arguments: &Doctor) -> Result<ExitCode> {
    doctor::check_areas(&arguments.only.iter().map(String::as_str).collect::<Vec<_>>())?;
    if arguments.mend && common.server.is_none() {
        doctor::make_private(&configuration(common)?.0.data.dir)?;
    }
    let wanted = |area: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == area);
    let is_inside = AREAS.iter().any(|area| !OUTSIDE.contains(area) && wanted(area));
    let mut findings = outside(common, is_inside || wanted("library"));
    let is_stopper = |finding: &Finding| STOPPERS.contains(&finding.code.as_str());
    let mut unseen = None;
    if is_inside && !findings.iter().any(is_stopper) {
        let watched = if arguments.only.is_empty() { WATCHED_BESIDES } else { WATCHED };
        match inside(common, arguments, wanted("traffic").then_some(watched)) {
            Ok(found) => findings.extend(found),
            Err(error) => unseen = Some(wire(doctor::Finding::of_error(area_of(error.code), &error))),
        }
    }
    findings.retain(|finding| wanted(&finding.area) || is_stopper(finding));
    // What was asked for may be behind it.
    findings.extend(unseen);
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
fn outside(common: &Common, is_library_wanted: bool) -> Vec<Finding> {
    if common.server.is_some() {
        return Vec::new();
    }
    match configuration(common) {
        Ok((config, _)) => {
            let is_served = LocalServer::find(&config.data.dir).is_some();
            let mut all = doctor::outside(&config, Clock::system().now(), is_served);
            all.push(server(&config));
            if is_library_wanted {
                all.push(library(&config));
            }
            all.into_iter().map(wire).collect()
        }
        Err(error) => vec![wire(doctor::Finding::of_error("configuration", &error))],
    }
}

/// Whether the server of the data directory lives, or was ended without a word.
fn server(config: &Config) -> doctor::Finding {
    let fix = "ibid runbook run service-down";
    let Some(server) = LocalServer::find(&config.data.dir) else {
        if LocalServer::is_left(&config.data.dir) {
            let what = "the server ended without a word: it was killed, it crashed, or the power was cut";
            return doctor::Finding::problem("server", "server_gone", what, fix);
        }
        return doctor::Finding::ok("server", "none runs, and none was ended by force");
    };
    match server.lives(LIVE_WITHIN) {
        Ok(_) => doctor::Finding::ok("server", format!("it answers on {}", server.base())),
        Err(error) => {
            let what = format!("a server holds {}, but does not answer: {}", server.base(), error.chain());
            doctor::Finding::problem("server", "server_hung", what, fix)
        }
    }
}

/// Whether there is a library where a backup says that there was one.
fn library(config: &Config) -> doctor::Finding {
    if config.data.dir.join("ibid.db").is_file() {
        return doctor::Finding::ok("library", "its database is there");
    }
    let held = Backups::open(config, None).and_then(|backups| backups.list());
    let stretches = held.map(|held| held.into_iter().flat_map(|one| one.stretches).collect::<Vec<_>>());
    match stretches {
        Ok(stretches) => match stretches.last() {
            None => doctor::Finding::ok("library", "there is none yet, and no backup of one"),
            Some(last) => {
                let what = format!("there is no database, but a backup that reaches to {}", last.to);
                doctor::Finding::problem("library", "library_lost", what, "ibid runbook run lost-machine")
            }
        },
        Err(error) => doctor::Finding::of_error("library", &error),
    }
}

/// What the application says of itself.
fn inside(common: &Common, arguments: &Doctor, watched: Option<Duration>) -> Result<Vec<Finding>> {
    let context = Context::open(common.clone(), Mode::Command)?;
    let mut query = vec![format!("quick={}", arguments.quick)];
    query.extend((!arguments.only.is_empty()).then(|| format!("only={}", arguments.only.join(","))));
    let mut all: Vec<Finding> = context.client.get(&format!("/v1/ops/doctor?{}", query.join("&")))?.json()?;
    if let Some(longest) = watched {
        all.extend(traffic(&context, longest)?.into_iter().map(wire));
    }
    Ok(all)
}

/// Watches a server's requests for a while.
fn traffic(context: &Context, longest: Duration) -> Result<Vec<doctor::Finding>> {
    if !context.has_server() {
        return Ok(vec![doctor::Finding::ok("traffic", "no server runs on the data directory")]);
    }
    let look = || -> Result<_> {
        Ok(read_text(&String::from_utf8_lossy(&context.client.get("/metrics")?.bytes()?)))
    };
    let (started, before) = (Instant::now(), look()?);
    loop {
        Shutdown::new().wait_timeout(LOOK_EVERY);
        let now = look()?;
        if started.elapsed() >= longest || doctor::requests(&before, &now) >= REQUESTS_ENOUGH {
            return Ok(doctor::traffic(&before, &now, started.elapsed().as_secs_f64()));
        }
    }
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
