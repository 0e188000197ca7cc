//! `/v1/costs` and `/v1/budgets`: what chat models cost, of whom, and what is left.

use std::collections::HashMap;

use ibid_api::cost::{Budget, Cost, CostForecast, Costs};
use ibid_api::problem::Problem;
use ibid_api::words::CostsBy;
use ibid_store::{Spend, SpendBy, SpendOf};
use ibid_types::{Day, Error, Result};
use serde::Deserialize;

use crate::App;
use crate::access::Caller;
use crate::budgets::Standing;
use crate::http::{Answered, Parameters, respond};
use crate::spend::NANO;
use crate::spend_forecast::{Forecast, forecast, looks_from};

/// What has no owner was asked on this machine, and what is of no workspace by the server itself.
const MACHINE: &str = "this machine";
const SERVER: &str = "the server";

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CostsQuery {
    /// The first day, of UTC; without it the first of this month.
    #[param(format = "date")]
    pub from: Option<String>,
    /// The last day; without it today.
    #[param(format = "date")]
    pub to: Option<String>,
    /// `day` (without it), `workspace`, `owner` or `model`.
    #[param(inline, value_type = Option<CostsBy>)]
    pub by: Option<String>,
}

/// What chat models cost, by the configured prices, and what this month will have cost when it is over.
#[utoipa::path(get, path = "/v1/costs", tag = "operations", params(CostsQuery),
    responses((status = 200, body = Costs), (status = "default", body = Problem)))]
pub async fn costs(app: Caller, Parameters(query): Parameters<CostsQuery>) -> Answered<axum::Json<Costs>> {
    respond(&app, move |app| asked_for(app, &query)).await
}

/// Budgets in the order of the configuration, with what is left of each.
#[utoipa::path(get, path = "/v1/budgets", tag = "operations",
    responses((status = 200, body = Vec<Budget>), (status = "default", body = Problem)))]
pub async fn budgets(app: Caller) -> Answered<axum::Json<Vec<Budget>>> {
    respond(&app, |app| Ok(app.ledger.standings().into_iter().map(budget).collect())).await
}

fn asked_for(app: &App, query: &CostsQuery) -> Result<Costs> {
    let today = Day::of(app.clock.now());
    let day = |text: &Option<String>, usual: Day| text.as_deref().map_or(Ok(usual), str::parse);
    let (from, to) = (day(&query.from, today.month_start())?, day(&query.to, today)?);
    let by = query.by.as_deref().unwrap_or("day");
    app.ledger.write()?;
    let sums = app.store.spend_by(read_by(by)?, from, to.plus(1))?;
    let names = Names::read(app)?;
    let mut total = Spend::default();
    let mut rows = Vec::with_capacity(sums.len());
    for (of, spend) in sums {
        total += spend;
        rows.push(cost(names.name(of), spend));
    }
    let (from, to, by) = (from.to_string(), to.to_string(), by.to_owned());
    Ok(Costs { from, to, by, rows, total: cost("total".to_owned(), total), forecast: foretold(app)? })
}

fn read_by(name: &str) -> Result<SpendBy> {
    Ok(match name {
        "day" => SpendBy::Day,
        "workspace" => SpendBy::Workspace,
        "owner" => SpendBy::Owner,
        "model" => SpendBy::Model,
        _ => {
            let what = format!("costs are not listed by '{name}'; use day, workspace, owner or model");
            return Err(Error::bad_request("value_unknown", what));
        }
    })
}

fn foretold(app: &App) -> Result<Option<CostForecast>> {
    let now = app.clock.now();
    let days = app.store.spend_by(SpendBy::Day, looks_from(now), Day::of(now).plus(1))?;
    let usd = |(of, spend): (SpendOf, Spend)| match of {
        SpendOf::Day(day) => Some((day, spend.nano_usd as f64 / NANO)),
        _ => None,
    };
    let days: Vec<_> = days.into_iter().filter_map(usd).collect();
    Ok(forecast(&days, now).map(wire_forecast))
}

/// What ids stand for now.
struct Names(HashMap<String, String>);

impl Names {
    fn read(app: &App) -> Result<Self> {
        let mut names = HashMap::from([(String::new(), MACHINE.to_owned())]);
        let of = |kind: &str, id: String, name: &str| (format!("{kind}:{id}"), format!("{kind}:{name}"));
        names.extend(app.store.user_list()?.iter().map(|user| of("user", user.id.to_string(), &user.name)));
        names.extend(app.store.key_list()?.iter().map(|key| of("key", key.id.to_string(), &key.name)));
        names.extend(app.store.workspace_list()?.into_iter().map(|found| (found.id.to_string(), found.name)));
        Ok(Self(names))
    }

    fn name(&self, of: SpendOf) -> String {
        let known = |id: String| self.0.get(&id).cloned().unwrap_or(id);
        match of {
            SpendOf::Day(day) => day.to_string(),
            SpendOf::Workspace(id) if *id.as_bytes() == [0; 16] => SERVER.to_owned(),
            SpendOf::Workspace(id) => known(id.to_string()),
            SpendOf::Owner(owner) => known(owner),
            SpendOf::Model(model) => model,
        }
    }
}

fn cost(of: String, spend: Spend) -> Cost {
    Cost {
        of,
        calls: spend.calls,
        prompt_tokens: spend.prompt_tokens,
        completion_tokens: spend.completion_tokens,
        usd: spend.nano_usd as f64 / NANO,
    }
}

fn wire_forecast(forecast: Forecast) -> CostForecast {
    CostForecast {
        until: forecast.until.to_string(),
        spent_usd: forecast.spent,
        expected_usd: forecast.expected,
        low_usd: forecast.low,
        high_usd: forecast.high,
        days: forecast.days,
    }
}

fn budget(standing: Standing) -> Budget {
    let spent_usd = standing.spent_usd();
    let budget = standing.budget;
    Budget {
        period: if budget.is_monthly() { "month" } else { "day" }.to_owned(),
        usd: budget.usd(),
        spent_usd,
        left_usd: (budget.usd() - spent_usd).max(0.0),
        state: standing.state.name().to_owned(),
        warn_percent: budget.warn_percent,
        stop: budget.stop,
        until: standing.until.to_string(),
        name: budget.name,
        of: budget.of,
    }
}
