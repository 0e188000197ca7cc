//! `ibid flow`: flows of the library and flows in files.

use std::process::ExitCode;

use ibid_api::flow::{Flow, FlowDetail, FlowSource, FlowsPage, Validated};
use ibid_types::{Error, Result};

use super::{flow_of, source_of};
use crate::args;
use crate::context::{Context, escaped};
use crate::output::{counted, foreign, json, line, note, piece};

/// Something is wrong with at least one file.
const INVALID: u8 = 2;

pub fn run(context: &Context, command: args::Flow) -> Result<ExitCode> {
    match command {
        args::Flow::List => list(context)?,
        args::Flow::Show { name } => {
            let detail = detail(context, &name)?;
            if context.common.json { json(&detail)? } else { piece(&foreign(&detail.source))? }
        }
        args::Flow::Validate { files } => return validate(context, &files),
        args::Flow::Draw { flow } => piece(&drawing(context, &flow)?)?,
        args::Flow::Schema => {
            json(&context.client.get("/v1/flows/schema")?.json::<serde_json::Value>()?)?;
        }
        args::Flow::Add { files } => files.iter().try_for_each(|file| add(context, file))?,
        args::Flow::Remove { name } => {
            context.client.delete(&path(&name))?;
            note(&format!("removed {name}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(name: &str) -> String {
    format!("/v1/flows/{}", escaped(name))
}

fn detail(context: &Context, name: &str) -> Result<FlowDetail> {
    context.client.get(&path(name))?.json()
}

fn list(context: &Context) -> Result<()> {
    let page: FlowsPage = context.client.get("/v1/flows")?.json()?;
    if context.common.json {
        return json(&page);
    }
    page.flows.iter().try_for_each(|flow| line(&described(context, flow)))
}

fn described(context: &Context, flow: &Flow) -> String {
    let color = context.color;
    let origin = if flow.built_in { "built in" } else { "own" };
    let facts = format!("{origin}, version {}, {}", flow.version, counted(flow.nodes.len() as u64, "node"));
    let headline = format!("{}  {}", color.bold(&flow.name), color.dim(&facts));
    if flow.description.is_empty() {
        return headline;
    }
    format!("{headline}\n    {}", foreign(&flow.description))
}

fn checked(context: &Context, source: String) -> Result<Validated> {
    context.client.post("/v1/flows/validate", &FlowSource { source })?.json()
}

fn validate(context: &Context, files: &[String]) -> Result<ExitCode> {
    let mut all_valid = true;
    for file in files {
        let found = checked(context, source_of(file)?)?;
        all_valid &= found.valid;
        if context.common.json {
            json(&serde_json::json!({ "file": file, "valid": found.valid, "problems": found.problems }))?;
        } else {
            tell(context, file, &found)?;
        }
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::from(INVALID) })
}

fn tell(context: &Context, file: &str, found: &Validated) -> Result<()> {
    let color = context.color;
    for problem in &found.problems {
        let severity =
            if problem.severity == "error" { color.red("error") } else { color.yellow(&problem.severity) };
        let at = format!("{file}:{}:{}", problem.line, problem.column);
        line(&format!("{}: {severity}: {}", color.bold(&at), foreign(&problem.message)))?;
    }
    if found.valid { line(&format!("{file}: {}", color.green("valid"))) } else { Ok(()) }
}

fn drawing(context: &Context, flow: &str) -> Result<String> {
    let (name, source) = flow_of(flow)?;
    let (Some(source), None) = (source, &name) else {
        return Ok(detail(context, &name.unwrap_or_default())?.mermaid);
    };
    let found = checked(context, source)?;
    found.mermaid.ok_or_else(|| {
        let first = found.problems.first();
        let why = first.map_or_else(String::new, |problem| {
            format!(": line {}, column {}: {}", problem.line, problem.column, problem.message)
        });
        Error::bad_request("flow_invalid", format!("{flow} is no valid flow{why}"))
    })
}

fn add(context: &Context, file: &str) -> Result<()> {
    let source = source_of(file)?;
    let found = checked(context, source.clone())?;
    if !found.valid {
        tell(context, file, &found)?;
        return Err(Error::bad_request("flow_invalid", format!("{file} was not added")));
    }
    let name = name_in(&source).ok_or_else(|| {
        Error::bad_request("flow_invalid", format!("{file} has no line `name: ...` at its top level"))
    })?;
    let detail: FlowDetail =
        context.client.put(&path(name), &FlowSource { source: source.clone() })?.json()?;
    line(&described(context, &detail.flow))
}

/// The value of the top-level key `name`; the file is known to be valid.
fn name_in(source: &str) -> Option<&str> {
    let value = source.lines().find_map(|line| line.strip_prefix("name:"))?;
    let value = value.split(" #").next()?.trim();
    Some(value.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_flow_is_read_from_its_top() {
        assert_eq!(name_in("# a flow\nname: triage   # sorts\nnodes: {}"), Some("triage"));
        assert_eq!(name_in("name: 'a-b'\n"), Some("a-b"));
        assert_eq!(name_in("nodes: {}"), None);
    }
}
