//! What every span and every event passes through: spans get their ids, events become lines, finished spans go to the
//! collector.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ibid_runtime::{Chance, Clock, TraceContext, enter_trace, leave_trace};
use ibid_types::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{Fields, Format, line};
use super::otlp;

/// Which events are logged. Spans of our own are always on: lines name what they are in.
#[derive(Debug)]
pub struct Enabled {
    targets: Targets,
}

impl Enabled {
    pub const fn new(targets: Targets) -> Self {
        Self { targets }
    }

    fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            return metadata.target().starts_with("ibid") && *metadata.level() <= Level::INFO;
        }
        self.targets.would_enable(metadata.target(), metadata.level())
    }
}

impl<S: Subscriber> Layer<S> for Enabled {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let named = self.targets.iter().map(|(_, level)| level);
        named.chain(self.targets.default_level()).chain([LevelFilter::INFO]).max()
    }
}

/// A span that is over.
#[derive(Debug)]
pub struct Finished {
    pub context: TraceContext,
    /// The span that it is inside of; 0 for none.
    pub parent: u64,
    pub name: &'static str,
    pub start_ns: u64,
    pub end_ns: u64,
    pub fields: Fields,
}

/// What is known of a span while it is open.
#[derive(Debug)]
struct Open {
    context: TraceContext,
    parent: u64,
    start_ns: u64,
    request: Option<String>,
    fields: Fields,
}

#[derive(Debug)]
pub struct Telemetry {
    format: Format,
    clock: Clock,
}

impl Telemetry {
    pub const fn new(format: Format) -> Self {
        Self { format, clock: Clock::system() }
    }
}

static WARNINGS: AtomicU64 = AtomicU64::new(0);
static ERRORS: AtomicU64 = AtomicU64::new(0);

/// Lines logged since the start at `warn` and at `error`.
pub fn logged() -> [(&'static str, u64); 2] {
    [("warn", WARNINGS.load(Ordering::Relaxed)), ("error", ERRORS.load(Ordering::Relaxed))]
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Telemetry {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let parent = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            let open = extensions.get::<Open>()?;
            Some((open.context, open.request.clone()))
        });
        let request = fields.text("request_id").map(ToOwned::to_owned);
        let remote = fields.text("traceparent").and_then(TraceContext::parse);
        let (above, request) = match parent {
            Some((above, of_parent)) => (Some(remote.unwrap_or(above)), request.or(of_parent)),
            None => (remote, request),
        };
        fields.0.retain(|(name, _)| *name != "traceparent");
        let open = Open {
            context: above.map_or_else(new_trace, |above| TraceContext { span: new_id(), ..above }),
            parent: above.map_or(0, |above| above.span),
            start_ns: now_ns(),
            request,
            fields,
        };
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.fields);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(context) = trace_of(id, &context) {
            enter_trace(context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(context) = trace_of(id, &context) {
            leave_trace(context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let open = span.extensions_mut().remove::<Open>();
        if let Some(open) = open.filter(|open| open.context.is_sampled) {
            otlp::offer(Finished {
                context: open.context,
                parent: open.parent,
                name: span.name(),
                start_ns: open.start_ns,
                end_ns: now_ns(),
                fields: open.fields,
            });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        match *event.metadata().level() {
            Level::ERROR => drop(ERRORS.fetch_add(1, Ordering::Relaxed)),
            Level::WARN => drop(WARNINGS.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let ids = context
            .event_span(event)
            .map_or_else(Vec::new, |span| span.extensions().get::<Open>().map_or_else(Vec::new, ids_of));
        let time = self.clock.now().to_string();
        let line = line(self.format, &time, event.metadata(), &fields, &ids);
        // Where standard error is gone nobody can be told.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn trace_of<S: Subscriber + for<'a> LookupSpan<'a>>(
    id: &Id,
    context: &Context<'_, S>,
) -> Option<TraceContext> {
    let span = context.span(id)?;
    let extensions = span.extensions();
    extensions.get::<Open>().map(|open| open.context)
}

fn ids_of(open: &Open) -> Vec<(&'static str, String)> {
    let request = open.request.iter().map(|id| ("request_id", id.clone()));
    let trace = [
        ("trace_id", format!("{:032x}", open.context.trace)),
        ("span_id", format!("{:016x}", open.context.span)),
    ];
    request.chain(trace).collect()
}

/// A trace of its own, collected as often as the configuration says.
fn new_trace() -> TraceContext {
    let trace = u128::from(new_id()) << 64 | u128::from(new_id());
    TraceContext { trace, span: new_id(), is_sampled: otlp::is_sampled(chance().unit()) }
}

/// Never 0, which names nothing.
fn new_id() -> u64 {
    chance().next_u64().max(1)
}

fn chance() -> &'static Chance {
    static CHANCE: OnceLock<Chance> = OnceLock::new();
    CHANCE.get_or_init(|| {
        // Two processes that start in the same millisecond differ by their number.
        let time = u64::try_from(Clock::system().now().0).unwrap_or(0);
        Chance::seeded(time << 22 ^ u64::from(std::process::id()))
    })
}

/// Nanoseconds since 1970 that go on evenly from the first call.
fn now_ns() -> u64 {
    static START: OnceLock<(Instant, Timestamp)> = OnceLock::new();
    let (instant, time) = START.get_or_init(|| (Instant::now(), Clock::system().now()));
    let since = u64::try_from(instant.elapsed().as_nanos()).unwrap_or(u64::MAX);
    u64::try_from(time.0).unwrap_or(0).saturating_mul(1_000_000).saturating_add(since)
}
