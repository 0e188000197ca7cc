//! `ibid providers`: where models are, how they fare, and whether one answers now.

use std::process::ExitCode;

use ibid_api::provider::{Provider, ProviderTest, Providers as All};
use ibid_types::{Class, Result};

use crate::args::Providers;
use crate::context::{Context, escaped};
use crate::output::{exit_code, foreign, grouped, json, line};

const HEADINGS: [&str; 10] = [
    "name",
    "provider",
    "address",
    "routes",
    "breaker",
    "running",
    "calls",
    "first token",
    "quota left",
    "price",
];

pub fn run(context: &Context, command: &Providers) -> Result<ExitCode> {
    match command {
        Providers::List => list(context),
        Providers::Test { name } => test(context, name),
    }
}

fn list(context: &Context) -> Result<ExitCode> {
    let all: All = context.client.get("/v1/providers")?.json()?;
    if context.common.json {
        json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 10]> = all.providers.iter().map(|provider| row(provider, &all)).collect();
    let headings = HEADINGS.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&headings]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; 10] = std::array::from_fn(width);
    line(&context.color.bold(&aligned(&headings, widths)))?;
    for (row, provider) in rows.iter().zip(&all.providers) {
        let text = aligned(row, widths);
        let is_well = provider.breaker.as_deref().is_none_or(|state| state == "closed");
        line(&if is_well { text } else { context.color.red(&text) })?;
    }
    for route in &all.routes {
        let text = format!("route {}: {}", foreign(&route.name), foreign(&route.models.join(", then ")));
        line(&context.color.dim(&text))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn aligned(cells: &[String; 10], widths: [usize; 10]) -> String {
    let cells: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

fn row(provider: &Provider, all: &All) -> [String; 10] {
    [
        foreign(&provider.name),
        foreign(&provider.provider),
        foreign(&provider.address),
        places(provider, all),
        provider.breaker.clone().unwrap_or_default(),
        grouped(provider.running as u64),
        calls(provider),
        first_token(provider),
        quota(provider),
        price(provider),
    ]
}

/// `main 1, careful 2`
fn places(provider: &Provider, all: &All) -> String {
    let place = |route: &ibid_api::provider::ProviderRoute| {
        let place = route.models.iter().position(|model| *model == provider.name)? + 1;
        Some(format!("{} {place}", foreign(&route.name)))
    };
    all.routes.iter().filter_map(place).collect::<Vec<_>>().join(", ")
}

fn calls(provider: &Provider) -> String {
    match provider.failures {
        0 => grouped(provider.calls as u64),
        failures => format!("{}, {} failed", grouped(provider.calls as u64), grouped(failures as u64)),
    }
}

fn first_token(provider: &Provider) -> String {
    match (provider.first_token_ms_p50, provider.first_token_ms_p95) {
        (Some(half), Some(most)) => format!("{half:.0} ms, p95 {most:.0}"),
        _ => String::new(),
    }
}

fn quota(provider: &Provider) -> String {
    let left = provider.quota.iter().map(|left| match left.limit {
        Some(limit) => format!("{} of {} {}", grouped(left.left), grouped(limit), left.of),
        None => format!("{} {}", grouped(left.left), left.of),
    });
    left.collect::<Vec<_>>().join(", ")
}

fn price(provider: &Provider) -> String {
    let prices = [provider.usd_per_million_prompt_tokens, provider.usd_per_million_completion_tokens];
    match prices {
        [0.0, 0.0] => String::new(),
        [prompt, completion] => format!("${prompt}/${completion} a million"),
    }
}

fn test(context: &Context, name: &str) -> Result<ExitCode> {
    let path = format!("/v1/providers/{}/test", escaped(name));
    let test: ProviderTest = context.client.post(&path, &())?.json()?;
    if context.common.json {
        json(&test)?;
    } else if test.is_well {
        let by = test.model.as_deref().unwrap_or(name);
        let first =
            test.first_token_ms.map_or_else(String::new, |ms| format!("first token after {ms:.0} ms, "));
        let text = format!("{} answered: {first}all after {:.0} ms", foreign(by), test.took_ms);
        line(&context.color.green(&text))?;
        line(&context.color.dim(&foreign(&test.said)))?;
    } else {
        let (reason, code) = (test.reason.unwrap_or_default(), test.code.unwrap_or_default());
        line(&context.color.red(&format!("{} [{code}]", foreign(&reason))))?;
    }
    Ok(if test.is_well { ExitCode::SUCCESS } else { exit_code(Class::Unavailable).into() })
}
