//! `ibid limits`: addresses that are not answered.

use std::process::ExitCode;

use ibid_api::limits::{Block, BlockRequest};
use ibid_types::{Error, Result};

use crate::args::Limits;
use crate::context::{Context, escaped};
use crate::output::{counted, foreign_line, json, line, note};

const BLOCKS: &str = "/v1/limits/blocks";

pub fn run(context: &Context, command: Limits) -> Result<ExitCode> {
    match command {
        Limits::List => list(context)?,
        Limits::Block { network, time, reason } => {
            let minutes = time.as_deref().map(minutes).transpose()?;
            let request = BlockRequest { network, minutes, reason };
            let block: Block = context.client.put(BLOCKS, &request)?.json()?;
            note(&format!("blocked {} {}", block.network, until(&block)));
        }
        Limits::Allow { network } => {
            context.client.delete(&format!("{BLOCKS}?network={}", escaped(&network)))?;
            note(&format!("{network} is answered again"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(context: &Context) -> Result<()> {
    let all: Vec<Block> = context.client.get(BLOCKS)?.json()?;
    if context.common.json {
        return json(&all);
    }
    for block in &all {
        let Block { network, reason, made_by, .. } = block;
        line(&format!(
            "{network}  {}  by {}: {}",
            until(block),
            foreign_line(made_by),
            foreign_line(reason)
        ))?;
    }
    line(&context.color.dim(&counted(all.len() as u64, "block")))
}

fn until(block: &Block) -> String {
    block
        .until
        .as_ref()
        .map_or_else(|| "until it is allowed again".to_owned(), |until| format!("until {until}"))
}

/// Error: `time_malformed`.
fn minutes(text: &str) -> Result<u32> {
    let units = [("m", 1), ("h", 60), ("d", 24 * 60)];
    let read =
        |(unit, minutes): &(&str, u32)| text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(*minutes);
    units.iter().find_map(read).filter(|minutes| *minutes > 0).ok_or_else(|| {
        let what = format!("'{text}' is no time; write 30m, 12h or 7d");
        Error::bad_request("time_malformed", what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(
            (minutes("30m").unwrap(), minutes("12h").unwrap(), minutes("7d").unwrap()),
            (30, 720, 10_080)
        );
        for wrong in ["", "30", "m", "0h", "-1h", "99999999999d", "4294967295d"] {
            assert_eq!(minutes(wrong).unwrap_err().code, "time_malformed", "{wrong}");
        }
    }
}
