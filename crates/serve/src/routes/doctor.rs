//! `/v1/ops/doctor` and `/v1/ops/runbooks`.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_api::quality::{Golden, LeakedKey};
use ibid_api::watch::{Finding as WireFinding, Runbook as WireRunbook};
use ibid_ops::doctor::{self, Finding};
use ibid_ops::runbook;
use ibid_types::Result;
use serde::Deserialize;

use crate::access::Caller;
use crate::http::{Answered, Parameters, Path, blocking, respond};
use crate::leaks::leaked_keys;
use crate::{examination, quality, upkeep};

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct DoctorQuery {
    /// Areas, with commas between; all without it.
    pub only: Option<String>,
    /// Leaves out what reads the whole library or asks others; for whoever looks every minute.
    pub quick: bool,
}

/// What is wrong inside, each with its fix.
#[utoipa::path(get, path = "/v1/ops/doctor", tag = "operations", params(DoctorQuery),
    responses((status = 200, body = Vec<WireFinding>), (status = "default", body = Problem)))]
pub async fn doctor(
    app: Caller,
    Parameters(query): Parameters<DoctorQuery>,
) -> Answered<axum::Json<Vec<WireFinding>>> {
    respond(&app, move |app| {
        let only: Vec<&str> = query.only.iter().flat_map(|only| only.split(',')).collect();
        doctor::check_areas(&only)?;
        Ok(examination::findings(app, &only, query.quick).into_iter().map(wire).collect())
    })
    .await
}

/// Asks the golden questions now.
#[utoipa::path(post, path = "/v1/ops/golden", tag = "operations",
    responses((status = 200, body = Vec<Golden>), (status = "default", body = Problem)))]
pub async fn golden(app: Caller) -> Answered<axum::Json<Vec<Golden>>> {
    respond(&app, |app| {
        let all = quality::ask_all(app, &app.shutdown)?;
        quality::measure(app);
        upkeep::sample_now(app);
        Ok(all)
    })
    .await
}

/// Living keys that stand in documents.
#[utoipa::path(get, path = "/v1/keys/leaked", tag = "operations",
    responses((status = 200, body = Vec<LeakedKey>), (status = "default", body = Problem)))]
pub async fn leaked(app: Caller) -> Answered<axum::Json<Vec<LeakedKey>>> {
    respond(&app, |app| leaked_keys(app)).await
}

fn wire(finding: Finding) -> WireFinding {
    WireFinding {
        area: finding.area.to_owned(),
        state: finding.state.name().to_owned(),
        code: finding.code,
        what: finding.what,
        fix: finding.fix,
    }
}

/// Lists the runbooks.
#[utoipa::path(get, path = "/v1/ops/runbooks", tag = "operations",
    responses((status = 200, body = Vec<WireRunbook>), (status = "default", body = Problem)))]
pub async fn runbooks(app: Caller) -> Answered<axum::Json<Vec<WireRunbook>>> {
    respond(&app, |app| {
        let wire = |(name, read): (String, Result<runbook::Runbook>)| match read {
            Ok(runbook) => WireRunbook { name, title: runbook.title.clone(), steps: runbook.steps().count() },
            Err(error) => WireRunbook { name, title: error.message, steps: 0 },
        };
        Ok(runbook::list(&app.config.data.dir.join("runbooks")).into_iter().map(wire).collect())
    })
    .await
}

/// A runbook's text, as Markdown.
#[utoipa::path(get, path = "/v1/ops/runbooks/{name}", tag = "operations", params(("name" = String, Path)),
    responses((status = 200, body = str, content_type = "text/markdown"), (status = "default", body = Problem)))]
pub async fn runbook(app: Caller, Path(name): Path<String>) -> Answered<Response> {
    let text = blocking(&app, move |app| runbook::text(&name, &app.config.data.dir.join("runbooks"))).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}
