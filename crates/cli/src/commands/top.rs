//! `ibid top`: what a server does right now, second by second.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ibid_ops::metric::list;
use ibid_types::Result;

use super::scrape::{Between, Scrape};
use crate::args::Top;
use crate::context::Context;
use crate::output::{Color, clear_screen, foreign, line, shortened};

const EVERY: Duration = Duration::from_secs(1);
/// Rows of each table.
const ROWS_MAX: usize = 8;

pub fn run(context: &Context, arguments: &Top) -> Result<ExitCode> {
    context.needs_server()?;
    let is_live = std::io::stdout().is_terminal();
    let most = arguments.count.or(if is_live { None } else { Some(1) });
    let keys = Keys::listen(is_live);
    let mut before = Scrape::take(context)?;
    let mut shown = 0;
    while most.is_none_or(|most| shown < most) && !keys.ended_within(EVERY) {
        let now = Scrape::take(context)?;
        let between = Between::new(before, now);
        if is_live {
            clear_screen()?;
        }
        screen(&between, context.color).iter().try_for_each(|text| line(text))?;
        before = between.now;
        shown += 1;
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys that a person presses while the screen is live.
struct Keys {
    pressed: Receiver<u8>,
    former: Option<rustix::termios::Termios>,
}

impl Keys {
    /// Takes single keys where standard input is a terminal; its former manner comes back at the end.
    fn listen(is_live: bool) -> Self {
        let (sender, pressed) = channel();
        let stdin = std::io::stdin();
        let former = if is_live { rustix::termios::tcgetattr(&stdin).ok() } else { None };
        if let Some(former) = &former {
            let mut single = former.clone();
            single.local_modes -= rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO;
            let _ = rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &single);
            std::thread::spawn(move || {
                let keys = std::io::stdin().lock().bytes().map_while(std::result::Result::ok);
                keys.map_while(|key| sender.send(key).ok()).for_each(drop);
            });
        } else {
            // Nobody presses anything; the channel stays open so that waiting takes its time.
            std::mem::forget(sender);
        }
        Self { pressed, former }
    }

    /// Waits; says whether `q`, escape or the end of the input came.
    fn ended_within(&self, longest: Duration) -> bool {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.pressed.recv_timeout(longest) {
            Ok(key) => matches!(key, b'q' | b'Q' | 27),
            Err(Timeout) => false,
            Err(Disconnected) => true,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(former) = &self.former {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(std::io::stdin(), now, former);
        }
    }
}

fn screen(between: &Between, color: Color) -> Vec<String> {
    let mut lines = head(between, color);
    let routes = rows(between, list::HTTP_REQUESTS.0.name, "route", |between, route| Row {
        rate: between.rate(&list::HTTP_REQUESTS, |key| key.label("route") == route),
        failed: between.rate(&list::HTTP_REQUESTS, |key| {
            key.label("route") == route && key.label("status").starts_with('5')
        }),
        seconds: between.mean(&list::HTTP_DURATION, |key| key.label("route") == route),
    });
    lines.extend(table("ROUTE", routes, color));
    let nodes = rows(between, list::FLOW_EFFECTS.0.name, "node", |between, node| Row {
        rate: between.rate(&list::FLOW_EFFECTS, |key| key.label("node") == node),
        failed: between
            .rate(&list::FLOW_EFFECTS, |key| key.label("node") == node && key.label("outcome") == "failed"),
        seconds: between.mean(&list::FLOW_EFFECT_DURATION, |key| key.label("node") == node),
    });
    lines.extend(table("NODE OF A FLOW", nodes, color));
    let providers = rows(between, list::MODEL_REQUESTS.0.name, "provider", |between, provider| Row {
        rate: between.rate(&list::MODEL_REQUESTS, |key| key.label("provider") == provider),
        failed: between.rate(&list::MODEL_REQUESTS, |key| {
            key.label("provider") == provider && key.label("outcome") != "done"
        }),
        seconds: between.mean(&list::MODEL_DURATION, |key| key.label("provider") == provider),
    });
    lines.extend(table("PROVIDER", providers, color));
    lines
}

fn head(between: &Between, color: Color) -> Vec<String> {
    let now = &between.now;
    let any = |_: &ibid_ops::series::Key| true;
    let cpu = between.rate(&list::PROCESS_CPU, any) * 100.0;
    vec![
        format!(
            "{}  cpu {cpu:.0} % of {}00 %  memory {} of {}  threads {}  files {}  disk free {}",
            color.bold("ibid top"),
            now.level(&list::PROCESS_CORES),
            bytes(now.level(&list::PROCESS_MEMORY)),
            bytes(now.level(&list::PROCESS_MEMORY_MAX)),
            now.level(&list::PROCESS_THREADS),
            now.level(&list::PROCESS_FILES),
            bytes(now.level(&list::DISK_FREE)),
        ),
        format!(
            "requests {} in work, {} streams  jobs {} queued, {} running  effects {} waiting  index {} behind",
            now.level(&list::HTTP_RUNNING),
            now.level(&list::HTTP_STREAMS),
            now.level_of(&list::JOBS, "state", "queued"),
            now.level_of(&list::JOBS, "state", "running"),
            now.level(&list::FLOW_WAITING),
            now.level(&list::INDEX_LAG),
        ),
        format!(
            "store {:.1} batches/s, {:.1} queries/s  searches {:.1}/s  answers {:.2}/s  tokens {:.0}/s",
            between.rate(&list::STORE_BATCHES, any),
            between.rate(&list::STORE_QUERIES, any),
            between.rate(&list::SEARCHES, any),
            between.rate(&list::ANSWERS, any),
            between.rate(&list::MODEL_TOKENS, any),
        ),
    ]
}

/// What a line of a table says.
struct Row {
    rate: f64,
    failed: f64,
    seconds: Option<f64>,
}

/// The busiest values of a label.
fn rows(
    between: &Between,
    name: &str,
    label: &str,
    row: impl Fn(&Between, &str) -> Row,
) -> Vec<(String, Row)> {
    let values = between.now.values_of(name, label);
    let mut rows: Vec<(String, Row)> =
        values.into_iter().map(|value| (value.clone(), row(between, &value))).collect();
    rows.sort_by(|(_, one), (_, other)| other.rate.total_cmp(&one.rate));
    rows.truncate(ROWS_MAX);
    rows
}

fn table(title: &str, rows: Vec<(String, Row)>, color: Color) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let title = format!("{title:<40} {:>8} {:>9} {:>10}", "per s", "failed/s", "mean ms");
    let row = |(name, row): (String, Row)| {
        let ms = row.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.1}", seconds * 1000.0));
        let text =
            format!("{:<40} {:>8.1} {:>9.1} {ms:>10}", shortened(&foreign(&name), 40), row.rate, row.failed);
        if row.failed > 0.0 { color.red(&text) } else { text }
    };
    let head = [String::new(), color.dim(&title)];
    head.into_iter().chain(rows.into_iter().map(row)).collect()
}

/// `1.5 GB`
pub fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut count = count.max(0.0);
    let mut at = 0;
    while count >= 1000.0 && at + 1 < units.len() {
        count /= 1000.0;
        at += 1;
    }
    let digits = usize::from(count < 10.0 && at > 0);
    format!("{count:.digits$} {}", units[at])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            [bytes(0.0), bytes(999.0), bytes(1500.0), bytes(4.2e8)],
            ["0 B", "999 B", "1.5 kB", "420 MB"]
        );
    }
}
