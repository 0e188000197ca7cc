//! `/v1/flows`: the flows that there are, checking and drawing them, and keeping one's own.

use axum::http::StatusCode;
use ibid_api::flow::{BrokenFlow, Flow, FlowDetail, FlowProblem, FlowSource, FlowsPage, Validated};
use ibid_api::problem::Problem;
use ibid_flow::definition::{Severity, json_schema, mermaid};
use serde_json::Value;

use crate::access::Caller;
use crate::flow_book::Entry;
use crate::http::{Answered, Json, Path, blocking, respond};
use crate::wire;

/// Lists flows by name: those that came with the program and those of the folder `flows` of the data directory.
#[utoipa::path(get, path = "/v1/flows", tag = "flows",
    responses((status = 200, body = FlowsPage), (status = "default", body = Problem)))]
pub async fn list(app: Caller) -> Answered<axum::Json<FlowsPage>> {
    let page = blocking(&app, |app| {
        let (flows, broken) = app.flows().list()?;
        let broken = broken
            .into_iter()
            .map(|broken| BrokenFlow { name: broken.name, message: broken.error.message })
            .collect();
        Ok(FlowsPage { flows: flows.iter().map(|entry| summary(entry)).collect(), broken })
    })
    .await?;
    Ok(axum::Json(page))
}

fn summary(entry: &Entry) -> Flow {
    wire::flow(&entry.definition, entry.is_built_in)
}

fn detail(entry: &Entry) -> FlowDetail {
    FlowDetail { flow: summary(entry), source: entry.source.clone(), mermaid: mermaid(&entry.definition) }
}

/// Shows a flow with its YAML and its drawing.
#[utoipa::path(get, path = "/v1/flows/{name}", tag = "flows", params(("name" = String, Path)),
    responses((status = 200, body = FlowDetail), (status = "default", body = Problem)))]
pub async fn show(app: Caller, Path(name): Path<String>) -> Answered<axum::Json<FlowDetail>> {
    respond(&app, move |app| Ok(detail(&*app.flows().find(&name)?))).await
}

/// JSON Schema of a flow file, for editors.
#[utoipa::path(get, path = "/v1/flows/schema", tag = "flows",
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn schema(app: Caller) -> axum::Json<Value> {
    axum::Json(json_schema(app.flows().kinds()))
}

/// Checks a flow and says all that is wrong with it, with line and column.
#[utoipa::path(post, path = "/v1/flows/validate", tag = "flows", request_body = FlowSource,
    responses((status = 200, body = Validated), (status = "default", body = Problem)))]
pub async fn validate(app: Caller, Json(request): Json<FlowSource>) -> Answered<axum::Json<Validated>> {
    respond(&app, move |app| {
        let (definition, problems) = app.flows().check(&request.source);
        Ok(Validated {
            valid: definition.is_some(),
            problems: problems.into_iter().map(problem).collect(),
            mermaid: definition.as_ref().map(mermaid),
        })
    })
    .await
}

fn problem(problem: ibid_flow::definition::Problem) -> FlowProblem {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let message = match problem.path.as_str() {
        "" => problem.message,
        path => format!("{path}: {}", problem.message),
    };
    FlowProblem { line: problem.line, column: problem.column, severity: severity.to_owned(), message }
}

/// Keeps a flow of one's own. New runs take it at once; those under way finish on the version that they began.
#[utoipa::path(put, path = "/v1/flows/{name}", tag = "flows", params(("name" = String, Path)),
    request_body = FlowSource, responses((status = 200, body = FlowDetail), (status = "default", body = Problem)))]
pub async fn save(
    app: Caller,
    Path(name): Path<String>,
    Json(request): Json<FlowSource>,
) -> Answered<axum::Json<FlowDetail>> {
    respond(&app, move |app| Ok(detail(&*app.flows().save(&name, &request.source)?))).await
}

/// Forgets a flow of one's own.
#[utoipa::path(delete, path = "/v1/flows/{name}", tag = "flows", params(("name" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn delete(app: Caller, Path(name): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| app.flows().delete(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
