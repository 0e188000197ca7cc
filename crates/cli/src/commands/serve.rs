//! `ibid serve`: the server and its page.

use std::process::ExitCode;
use std::sync::Arc;

use ibid_serve::{App, Logging, Mode};
use ibid_types::Result;

use crate::args::{Common, Serve};
use crate::context::{configuration, runtime};
use crate::output::note;

pub fn run(mut common: Common, arguments: &Serve) -> Result<ExitCode> {
    if let Some(address) = arguments.address {
        common.settings.push(format!("server.address={address}"));
    }
    let (config, _) = configuration(&common)?;
    ibid_serve::set_up_logging(&Logging {
        level: config.log.level.clone(),
        format: config.log.format.clone(),
    })?;
    let data_dir = config.data.dir.display().to_string();
    // Kept to the end, when it sends what is left.
    let _traces = ibid_serve::export_traces(&config.telemetry)?;
    let runtime = runtime()?;
    let app = App::open(config, Mode::Working)?;
    // Stores elsewhere have runtimes of their own, which must not end inside of this one: the last hold is here.
    runtime.block_on(ibid_serve::serve(Arc::clone(&app), |ready| {
        let base = ready.base;
        note(&format!("Ibid answers on {base} from {data_dir}. Stop it with Ctrl-C."));
        if let Some(path) = ready.link {
            note(&format!("Nobody has an account yet. This link makes the owner's, once: {base}{path}"));
        }
        if let Some(warning) = ready.warning {
            note(&format!("Warning: {warning}"));
        }
    }))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}
