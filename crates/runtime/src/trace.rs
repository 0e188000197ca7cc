//! Which trace the current thread works for (W3C Trace Context), so that what calls others can say it and what logs can
//! name it. Who makes spans says when a thread enters and leaves one.

use std::cell::RefCell;
use std::fmt;

/// A span of a trace, as `traceparent` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace: u128,
    pub span: u64,
    /// Whether the trace is collected.
    pub is_sampled: bool,
}

impl TraceContext {
    /// Reads a header `traceparent`: `00-TRACE-SPAN-FLAGS`. `None` for anything else, as the standard asks.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let plain = part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            plain.then_some(part)
        };
        let version = next(2).filter(|version| *version != "ff")?;
        let trace = u128::from_str_radix(next(32)?, 16).ok().filter(|trace| *trace != 0)?;
        let span = u64::from_str_radix(next(16)?, 16).ok().filter(|span| *span != 0)?;
        let flags = u8::from_str_radix(next(2)?, 16).ok()?;
        let ended = version != "00" || parts.next().is_none();
        ended.then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    /// As the header `traceparent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

thread_local! {
    static ENTERED: RefCell<Vec<TraceContext>> = const { RefCell::new(Vec::new()) };
}

/// The innermost span that the current thread is in.
#[must_use]
pub fn current_trace() -> Option<TraceContext> {
    ENTERED.try_with(|entered| entered.borrow().last().copied()).ok().flatten()
}

/// The current thread enters a span.
pub fn enter_trace(context: TraceContext) {
    let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(context));
}

/// The current thread leaves a span; the order need not be that of entering.
pub fn leave_trace(context: TraceContext) {
    let _ = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        if let Some(at) = entered.iter().rposition(|inside| *inside == context) {
            entered.remove(at);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_comes_back_as_it_went() {
        let context = TraceContext::parse(HEADER).unwrap();
        assert!(context.is_sampled);
        assert_eq!(context.to_string(), HEADER);
    }

    #[test]
    fn what_is_no_context_is_none() {
        let zero_trace = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let upper = HEADER.to_uppercase();
        let longer = format!("{HEADER}-more");
        for header in ["", "00", &zero_trace, &upper, &longer, &HEADER[1..], &HEADER.replacen("00", "ff", 1)]
        {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
        let newer = format!("{}-more", HEADER.replacen("00", "01", 1));
        assert!(TraceContext::parse(&newer).is_some());
    }

    #[test]
    fn the_innermost_span_is_current() {
        let outer = TraceContext { trace: 1, span: 2, is_sampled: true };
        let inner = TraceContext { span: 3, ..outer };
        enter_trace(outer);
        enter_trace(inner);
        assert_eq!(current_trace(), Some(inner));
        leave_trace(outer);
        assert_eq!(current_trace(), Some(inner));
        leave_trace(inner);
        assert_eq!(current_trace(), None);
    }
}
