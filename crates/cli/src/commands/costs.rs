//! `ibid costs`: what chat models cost, what the month will have cost, and what is left of budgets.

use std::process::ExitCode;

use ibid_api::cost::{Budget, Cost, CostForecast, Costs as All};
use ibid_types::{Day, Error, Result};

use crate::args::{Costs, CostsCommand};
use crate::context::{Context, escaped};
use crate::output::{foreign_line, grouped, json, line};

pub fn run(context: &Context, command: &Costs) -> Result<ExitCode> {
    match command.command {
        Some(CostsCommand::Budgets) => budgets(context)?,
        None => costs(context, command)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn costs(context: &Context, command: &Costs) -> Result<()> {
    let mut path = format!("/v1/costs?by={}", escaped(&command.by));
    if let Some(month) = &command.month {
        let first = first_of(month)?;
        path.push_str(&format!("&from={first}&to={}", first.next_month().plus(-1)));
    }
    let all: All = context.client.get(&path)?.json()?;
    if context.common.json {
        return json(&all);
    }
    if command.forecast {
        return foretold(all.forecast.as_ref());
    }
    line(
        &context.color.bold(&row(["", "calls", "tokens read", "written", "US dollars"].map(str::to_owned))),
    )?;
    for cost in &all.rows {
        line(&row(cells(cost)))?;
    }
    line(&context.color.bold(&row(cells(&all.total))))
}

/// Error: `date_malformed`.
fn first_of(month: &str) -> Result<Day> {
    let day: Result<Day> = format!("{month}-01").parse();
    day.map_err(|_| Error::bad_request("date_malformed", format!("'{month}' is no month; write 2026-11")))
}

fn cells(cost: &Cost) -> [String; 5] {
    let [calls, read, written] = [cost.calls, cost.prompt_tokens, cost.completion_tokens].map(grouped);
    [foreign_line(&cost.of), calls, read, written, usd(cost.usd)]
}

fn row([of, calls, read, written, usd]: [String; 5]) -> String {
    format!("{of:<24}  {calls:>10}  {read:>14}  {written:>14}  {usd:>14}")
}

/// To the hundredth of a cent: single turns of small models cost less than a cent.
fn usd(usd: f64) -> String {
    format!("${usd:.4}")
}

fn foretold(forecast: Option<&CostForecast>) -> Result<()> {
    let Some(forecast) = forecast else {
        return line("there is no forecast before a full day on which a chat model cost something");
    };
    let CostForecast { until, spent_usd, expected_usd, low_usd, high_usd, days } = forecast;
    line(&format!(
        "about {} by {until}, between {} and {}; {} spent so far, made from {days} full days",
        usd(*expected_usd),
        usd(*low_usd),
        usd(*high_usd),
        usd(*spent_usd)
    ))
}

fn budgets(context: &Context) -> Result<()> {
    let all: Vec<Budget> = context.client.get("/v1/budgets")?.json()?;
    if context.common.json {
        return json(&all);
    }
    if all.is_empty() {
        return line("no budget is configured; see [[budgets]] in `ibid config default`");
    }
    for budget in &all {
        let text = told(budget);
        line(&if budget.state == "within" { text } else { context.color.red(&text) })?;
    }
    Ok(())
}

fn told(budget: &Budget) -> String {
    let (name, of) = (foreign_line(&budget.name), foreign_line(&budget.of));
    let stop = if budget.stop { ", stops" } else { "" };
    format!(
        "{name} ({of}{stop}): {}, {} of {} a {} spent, {} left until {}",
        budget.state,
        usd(budget.spent_usd),
        usd(budget.usd),
        budget.period,
        usd(budget.left_usd),
        budget.until
    )
}
