//! `cargo run -p ibid-xtask --bin sbom`: prints the bill of materials of this repository (CycloneDX 1.6, JSON).
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let root = ibid_xtask::root();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments =
        ["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"];
    let told = Command::new(cargo).args(arguments).current_dir(&root).output()?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into_owned().into());
    }
    let metadata = serde_json::from_slice(&told.stdout)?;
    let cargo_lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let npm_lock = serde_json::from_slice(&fs::read(root.join("ui/package-lock.json"))?)?;
    println!("{:#}", ibid_xtask::sbom::bill(&metadata, &cargo_lock, &npm_lock));
    Ok(())
}
