//! `ibid memory`: what is remembered, since when, by which words, and its being forgotten.

use std::io::Read;
use std::process::ExitCode;

use clap::ValueEnum;
use ibid_api::memory as wire;
use ibid_types::{Error, Result};

use crate::args::memory::{self as args, Memory};
use crate::context::{Context, escaped};
use crate::output::{counted, foreign, foreign_line, json, line, piece};

const FACTS: &str = "/v1/memory/facts";

pub fn run(context: &Context, command: Memory) -> Result<ExitCode> {
    match command {
        Memory::Add(add) => self::add(context, add)?,
        Memory::Relate(relate) => self::relate(context, relate)?,
        Memory::Recall(recall) => return self::recall(context, recall),
        Memory::Facts(facts) => self::facts(context, facts)?,
        Memory::Fact { id } => {
            let path = context.path(&format!("{FACTS}/{}", escaped(&id)));
            history(context, &context.client.get(&path)?.json()?)?
        }
        Memory::Change(change) => self::change(context, change)?,
        Memory::Entities { text, limit } => entities(context, &text.join(" "), limit)?,
        Memory::Timeline { entity } => timeline(context, entity)?,
        Memory::Conflicts => conflicts(context)?,
        Memory::Changes { from, to } => changes(context, &from, to.as_deref())?,
        Memory::Path(between) => path(context, &between)?,
        Memory::Neighbours { entity, depth, limit } => neighbours(context, &entity, depth, limit)?,
        Memory::Central { by, limit } => central(context, by, limit)?,
        Memory::Communities => communities(context)?,
        Memory::Forget(forget) => self::forget(context, forget)?,
        Memory::Receipts => receipts(context)?,
        Memory::Consent { consent } => self::consent(context, consent)?,
        Memory::Export { format } => export(context, format)?,
        Memory::Import { file, from, shared } => return import(context, &file, from, shared),
        Memory::Callers(callers) => super::code::callers(context, &callers)?,
        Memory::Since(since) => super::code::since(context, &since)?,
        Memory::Why(why) => super::code::why(context, &why)?,
        Memory::Code => super::code::list(context)?,
        Memory::Stats => stats(context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(context: &Context, add: args::Add) -> Result<()> {
    let text = match add.text.as_slice() {
        [one] if one == "-" => standard_input()?,
        words => words.join(" "),
    };
    let episode = wire::EpisodeRequest {
        text,
        speaker: add.speaker,
        at: add.at,
        zone: add.zone,
        source: add.source,
        ..wire::EpisodeRequest::default()
    };
    let request = wire::RememberRequest {
        workspace: context.common.workspace.clone(),
        episodes: vec![episode],
        shared: add.shared,
        wait: !add.no_wait,
    };
    let taken: wire::Remembered = context.client.post("/v1/memory/episodes", &request)?.json()?;
    if context.common.json {
        return json(&taken);
    }
    for fact in &taken.facts {
        show(context, fact)?;
    }
    match (add.no_wait, taken.facts.is_empty()) {
        (true, _) => line("Taken in; `ibid memory facts` shows what was found in it."),
        (_, true) => line("Remembered as it was said; it states nothing that could be told by itself."),
        _ => Ok(()),
    }
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|error| {
        Error::bad_request("text_unreadable", "standard input is no UTF-8 text").caused_by(error)
    })?;
    Ok(text)
}

fn relate(context: &Context, relate: args::Relate) -> Result<()> {
    let (object, object_text) =
        if relate.text { (None, Some(relate.object)) } else { (Some(relate.object), None) };
    let request = wire::RelateRequest {
        workspace: context.common.workspace.clone(),
        subject: relate.subject,
        relation: relate.relation,
        object,
        object_text,
        kind: relate.kind,
        valid_from: relate.from,
        valid_to: relate.to,
        single_valued: relate.single,
        shared: relate.shared,
        ..wire::RelateRequest::default()
    };
    one(context, &context.client.post(FACTS, &request)?.json()?)
}

fn one(context: &Context, fact: &wire::Fact) -> Result<()> {
    if context.common.json { json(fact) } else { show(context, fact) }
}

/// Exit code 7 where nothing was recalled, as for documents that do not hold the answer.
fn recall(context: &Context, recall: args::Recall) -> Result<ExitCode> {
    let request = wire::RecallRequest {
        workspace: context.common.workspace.clone(),
        query: recall.query.join(" "),
        kinds: recall.kind,
        valid_at: recall.valid_at,
        believed_at: recall.believed_at,
        entity: recall.entity,
        limit: Some(recall.limit),
        explain: recall.explain,
        ..wire::RecallRequest::default()
    };
    let found: wire::RecallResponse = context.client.post("/v1/memory/recall", &request)?.json()?;
    let is_nothing = found.hits.is_empty() && found.code.is_empty();
    let code = if is_nothing { ExitCode::from(7) } else { ExitCode::SUCCESS };
    if context.common.json {
        json(&found)?;
        return Ok(code);
    }
    found.code.iter().try_for_each(|named| super::code::named(context, named))?;
    for hit in &found.hits {
        self::hit(context, hit)?;
    }
    if is_nothing {
        line("Nothing is remembered of that. `ibid memory stats` says what there is.")?;
    }
    let summary = format!("{} · {:.1} ms", counted(found.hits.len() as u64, "memory"), found.took_ms);
    line(&context.color.dim(&summary))?;
    Ok(code)
}

pub fn hit(context: &Context, hit: &wire::RecallHit) -> Result<()> {
    let color = context.color;
    let score = color.dim(&format!("{:.3}", hit.score));
    if let Some(fact) = &hit.fact {
        line(&format!("{score} {} {}", color.bold(&foreign_line(&fact.statement)), color.dim(&times(fact))))?;
    }
    if let Some(episode) = &hit.episode {
        let speaker = episode.speaker.as_deref().map(|speaker| format!("{speaker}: ")).unwrap_or_default();
        line(&format!(
            "{score} {}{}",
            color.dim(&format!("{} ", day_in(&episode.at, episode.zone.as_deref()))),
            foreign(&format!("{speaker}{}", episode.text))
        ))?;
    }
    if let Some(entity) = &hit.entity {
        line(&format!("{score} {} {}", color.bold(&foreign_line(&entity.name)), color.dim(&entity.kind)))?;
    }
    for part in &hit.why {
        line(&color.dim(&format!("      {:<16} {:.3} x {:.2}", part.part, part.value, part.weight)))?;
    }
    Ok(())
}

fn facts(context: &Context, facts: args::Facts) -> Result<()> {
    let query = wire::FactsQuery {
        workspace: context.common.workspace.clone(),
        kind: facts.kind,
        entity: facts.entity,
        valid_at: facts.valid_at,
        believed_at: facts.believed_at,
        archived: facts.archived,
        limit: Some(facts.limit),
        cursor: None,
    };
    let page: wire::FactsPage = context.client.post(&format!("{FACTS}/find"), &query)?.json()?;
    if context.common.json {
        return json(&page);
    }
    if page.facts.is_empty() {
        return line("No facts. `ibid memory add TEXT` remembers something.");
    }
    page.facts.iter().try_for_each(|fact| show(context, fact))
}

fn timeline(context: &Context, entity: String) -> Result<()> {
    let asked = wire::TimelineRequest { workspace: context.common.workspace.clone(), entity };
    history(context, &context.client.post("/v1/memory/timeline", &asked)?.json()?)
}

fn history(context: &Context, history: &wire::FactHistory) -> Result<()> {
    if context.common.json {
        return json(history);
    }
    history.states.iter().try_for_each(|fact| show(context, fact))
}

fn change(context: &Context, change: args::Change) -> Result<()> {
    let request = wire::FactChange {
        workspace: context.common.workspace.clone(),
        statement: change.statement,
        valid_from: change.from.map(Some).or(change.no_from.then_some(None)),
        valid_to: change.to.map(Some).or(change.no_to.then_some(None)),
        importance: change.importance,
        archived: (change.archive || change.restore).then_some(change.archive),
        retracted: change.retract,
        overruling: change.decide,
        ..wire::FactChange::default()
    };
    one(context, &context.client.patch(&format!("{FACTS}/{}", escaped(&change.id)), &request)?.json()?)
}

fn entities(context: &Context, text: &str, limit: usize) -> Result<()> {
    let query = wire::EntitiesQuery {
        workspace: context.common.workspace.clone(),
        text: Some(text.to_owned()),
        kind: None,
        limit: Some(limit),
    };
    let page: wire::EntitiesPage = context.client.post("/v1/memory/entities/find", &query)?.json()?;
    if context.common.json {
        return json(&page);
    }
    for entity in &page.entities {
        let facts = counted(entity.facts, "fact");
        line(&format!(
            "{}  {} {}",
            entity.id,
            foreign_line(&entity.name),
            context.color.dim(&format!("{}, {facts}", entity.kind))
        ))?;
    }
    line(&context.color.dim(&format!("{} of {}", page.entities.len(), page.total)))
}

fn conflicts(context: &Context) -> Result<()> {
    let found: wire::Conflicts = context.client.get(&context.path("/v1/memory/conflicts"))?.json()?;
    if context.common.json {
        return json(&found);
    }
    if found.conflicts.is_empty() {
        return line("No fact has ended another.");
    }
    for conflict in &found.conflicts {
        show(context, &conflict.fact)?;
        match &conflict.by {
            Some(by) => {
                line(&format!("    ended by {} {}", foreign_line(&by.statement), context.color.dim(&by.id)))?
            }
            None => line("    ended by a fact that was forgotten")?,
        }
    }
    Ok(())
}

fn changes(context: &Context, from: &str, to: Option<&str>) -> Result<()> {
    let to = to.map_or_else(String::new, |to| format!("&to={}", escaped(to)));
    let path = format!("/v1/memory/changes?from={}{to}", escaped(from));
    let changes: wire::Changes = context.client.get(&context.path(&path))?.json()?;
    if context.common.json {
        return json(&changes);
    }
    let parts = [
        ("came to be believed", &changes.recorded),
        ("ceased to be believed", &changes.retracted),
        ("began", &changes.began),
        ("ended", &changes.ended),
    ];
    for (what, facts) in parts {
        line(&context.color.bold(&format!("{} {what}", facts.len())))?;
        facts.iter().try_for_each(|fact| show(context, fact))?;
    }
    Ok(())
}

fn path(context: &Context, between: &args::PathBetween) -> Result<()> {
    let query = wire::PathQuery {
        workspace: context.common.workspace.clone(),
        from: between.from.clone(),
        to: between.to.clone(),
        relations: (!between.relations.is_empty()).then(|| between.relations.join(",")),
        pattern: between.pattern.clone(),
        hops: Some(between.hops),
        ..wire::PathQuery::default()
    };
    let found: wire::PathFound = context.client.post("/v1/memory/graph/path/find", &query)?.json()?;
    if context.common.json {
        return json(&found);
    }
    if found.nodes.is_empty() {
        return line("No chain of facts leads from one to the other.");
    }
    let names: Vec<String> = found.nodes.iter().map(|node| foreign_line(&node.name)).collect();
    line(&context.color.bold(&names.join(" - ")))?;
    found.facts.iter().try_for_each(|fact| show(context, fact))
}

fn neighbours(context: &Context, entity: &str, depth: usize, limit: usize) -> Result<()> {
    let query = wire::GraphQuery {
        workspace: context.common.workspace.clone(),
        around: Some(entity.to_owned()),
        depth: Some(depth),
        limit: Some(limit),
        ..wire::GraphQuery::default()
    };
    let graph: wire::Graph = context.client.post("/v1/memory/graph/find", &query)?.json()?;
    if context.common.json {
        return json(&graph);
    }
    let name = |id: &str| {
        graph
            .nodes
            .iter()
            .find(|node| node.id == id)
            .map_or_else(String::new, |node| foreign_line(&node.name))
    };
    for edge in &graph.edges {
        line(&format!(
            "{} {} {}",
            name(&edge.from),
            context.color.cyan(&foreign_line(&edge.relation)),
            name(&edge.to)
        ))?;
    }
    let more = if graph.truncated { "; there is more" } else { "" };
    line(&context.color.dim(&format!(
        "{}, {}{more}",
        counted(graph.nodes.len() as u64, "node"),
        counted(graph.edges.len() as u64, "edge")
    )))
}

fn central(context: &Context, by: args::By, limit: usize) -> Result<()> {
    let by = word(by);
    let path = format!("/v1/memory/graph/central?by={by}&limit={limit}");
    let found: wire::Central = context.client.get(&context.path(&path))?.json()?;
    if context.common.json {
        return json(&found);
    }
    found.nodes.iter().try_for_each(|node| {
        line(&format!("{:>12.6}  {} {}", node.score, foreign_line(&node.name), context.color.dim(&node.kind)))
    })
}

fn communities(context: &Context) -> Result<()> {
    let found: wire::CommunitiesFound =
        context.client.get(&context.path("/v1/memory/graph/communities"))?.json()?;
    if context.common.json {
        return json(&found);
    }
    for community in &found.communities {
        let names: Vec<String> = community.nodes.iter().map(|node| foreign_line(&node.name)).collect();
        line(&format!("{:>4}  {:>6}  {}", community.number, community.size, names.join(", ")))?;
    }
    line(&context.color.dim(&format!("modularity {:.3}", found.modularity)))
}

fn forget(context: &Context, forget: args::Forget) -> Result<()> {
    if !forget.yes && !super::admin::agreed("This cannot be undone. Forget it?")? {
        return Ok(());
    }
    let request = wire::ForgetRequest {
        workspace: context.common.workspace.clone(),
        fact: forget.fact,
        entity: forget.entity,
        episode: forget.episode,
        from: forget.from,
        to: forget.to,
        code: forget.code,
        everything: forget.everything,
        shared: forget.shared,
        person: forget.person,
    };
    let receipt: wire::Receipt = context.client.post("/v1/memory/forget", &request)?.json()?;
    if context.common.json { json(&receipt) } else { show_receipt(context, &receipt) }
}

fn receipts(context: &Context) -> Result<()> {
    let found: wire::Receipts = context.client.get(&context.path("/v1/memory/receipts"))?.json()?;
    if context.common.json {
        return json(&found);
    }
    found.receipts.iter().try_for_each(|receipt| show_receipt(context, receipt))
}

fn show_receipt(context: &Context, receipt: &wire::Receipt) -> Result<()> {
    let count = |what: &str| receipt.receipt[what].as_u64().unwrap_or(0);
    let backups = match receipt.receipt["backups_gone_at"].as_i64() {
        Some(at) => format!("; gone from backups by {}", day(&ibid_types::Timestamp(at).to_string())),
        None => String::new(),
    };
    let text = format!(
        "{} forgotten ({}): {} facts, {} entities, {} episodes, words of {} more{backups}",
        receipt.receipt["what"].as_str().unwrap_or(""),
        day(&receipt.at),
        count("facts"),
        count("entities"),
        count("episodes"),
        count("episodes_blotted")
    );
    line(&format!("{text} {}", context.color.dim(&receipt.id)))
}

fn consent(context: &Context, consent: Option<args::Consent>) -> Result<()> {
    const PATH: &str = "/v1/memory/consent";
    let state: wire::ConsentState = match consent {
        Some(consent) => {
            context.client.put(PATH, &wire::ConsentRequest { consent: word(consent) })?.json()?
        }
        None => context.client.get(PATH)?.json()?,
    };
    if context.common.json {
        return json(&state);
    }
    let meaning = match state.consent.as_str() {
        "off" => "nothing is remembered, not even what is asked for",
        "on" => "what is asked for is remembered, and what is said in conversations",
        _ => "what is asked for is remembered, and nothing else",
    };
    line(&format!("{}: {meaning}", state.consent))
}

fn export(context: &Context, format: args::Form) -> Result<()> {
    let path = format!("/v1/memory/export?format={}", word(format));
    piece(&context.client.get(&context.path(&path))?.text()?)
}

fn import(context: &Context, file: &str, from: Option<args::Origin>, shared: bool) -> Result<ExitCode> {
    let text = match file {
        "-" => standard_input()?,
        file => std::fs::read_to_string(file).map_err(|error| {
            Error::bad_request("file_unreadable", format!("cannot read {file}; it must be there, and UTF-8"))
                .caused_by(error)
        })?,
    };
    let request = wire::ImportRequest {
        workspace: context.common.workspace.clone(),
        from: from.map(word),
        data: text,
        shared,
    };
    let imported: wire::Imported = context.client.post("/v1/memory/import", &request)?.json()?;
    if context.common.json {
        json(&imported)?;
    } else {
        let text = format!(
            "{}: {} episodes, {} facts, {} merged",
            imported.from, imported.episodes, imported.facts, imported.merged
        );
        line(&text)?;
        for rejected in &imported.rejected {
            line(&context.color.yellow(&format!(
                "  line {}: {} [{}]",
                rejected.index + 1,
                rejected.reason,
                rejected.code
            )))?;
        }
    }
    Ok(if imported.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(6) })
}

fn stats(context: &Context) -> Result<()> {
    let stats: wire::MemoryStats = context.client.get(&context.path("/v1/memory/stats"))?.json()?;
    if context.common.json {
        return json(&stats);
    }
    line(&format!(
        "{}, {}, {}, {}; consent: {}",
        counted(stats.episodes, "episode"),
        counted(stats.facts, "fact"),
        counted(stats.entities, "entity"),
        counted(stats.conflicts, "conflict"),
        stats.consent
    ))
}

/// A word of ours as the API has it.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn show(context: &Context, fact: &wire::Fact) -> Result<()> {
    let color = context.color;
    let marks = [(fact.shared, "shared"), (fact.archived, "archived"), (fact.negated, "denied")];
    let marks: Vec<&str> = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
    line(&format!(
        "{}  {} {}",
        fact.id,
        color.bold(&foreign_line(&fact.statement)),
        color.dim(&format!("{}{marks}", times(fact)))
    ))?;
    for source in fact.sources.iter().take(3) {
        let who = source.speaker.as_deref().map(|who| format!("{who}, ")).unwrap_or_default();
        line(&color.dim(&format!(
            "    \"{}\" ({}{})",
            foreign_line(&source.quote),
            foreign_line(&who),
            day_in(&source.at, source.zone.as_deref())
        )))?;
    }
    Ok(())
}

/// In the zone of whoever told it: when it holds, and since when that is believed where it is believed no more.
fn times(fact: &wire::Fact) -> String {
    let zone = fact.sources.iter().find_map(|source| source.zone.as_deref());
    let day_of = |at: &String| day_in(at, zone);
    let holds = match (fact.valid_from.as_ref().map(day_of), fact.valid_to.as_ref().map(day_of)) {
        (None, None) => String::new(),
        (Some(from), None) => format!("since {from}"),
        (None, Some(to)) => format!("until {to}"),
        (Some(from), Some(to)) => format!("{from} to {to}"),
    };
    match &fact.retracted_at {
        Some(to) => format!("{holds} (believed {} to {})", day(&fact.recorded_at), day(to)),
        None => holds,
    }
}

pub fn day(at: &str) -> &str {
    at.split('T').next().unwrap_or(at)
}

/// The day that it is then in the zone; in UTC without one.
fn day_in(at: &str, zone: Option<&str>) -> String {
    let local = || {
        let zone = jiff::tz::TimeZone::get(zone?).ok()?;
        let at: jiff::Timestamp = at.parse().ok()?;
        Some(at.to_zoned(zone).date().to_string())
    };
    local().unwrap_or_else(|| day(at).to_owned())
}
