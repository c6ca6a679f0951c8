//! Chooses what is embedded as the dashboard: the built one, or a page that says how to build it.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let folder = if dist.join("index.html").is_file() {
        dist.canonicalize()?
    } else {
        let placeholder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("placeholder");
        fs::create_dir_all(&placeholder)?;
        fs::copy("placeholder.html", placeholder.join("index.html"))?;
        placeholder
    };
    println!("cargo:rerun-if-changed=placeholder.html");
    println!("cargo:rustc-env=TRUSTFOLD_DASHBOARD={}", folder.display());
    Ok(())
}
