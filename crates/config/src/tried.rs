//! What a test asks of settings: whether they are taken, or what is said of them.

use crate::{Config, Layers};

/// The configuration with these settings, or what is wrong with it.
pub fn read(flags: &[&str]) -> Result<Config, String> {
    let mut layers = Layers::defaults().unwrap();
    flags.iter().for_each(|flag| layers.flag(flag));
    layers.finish().map(|(config, _)| config).map_err(|error| error.message)
}

/// What is wrong with these settings, or `fine`.
pub fn told(flags: &[&str]) -> String {
    read(flags).map_or_else(|wrong| wrong, |_| "fine".to_owned())
}
