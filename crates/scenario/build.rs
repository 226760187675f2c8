//! Turns the scenarios' pipelines from TOML, as people read and write them, into JSON: who opens a scenario then
//! needs no reader of TOML, which in the page's first load would weigh as much as the worlds themselves.

#![allow(
    clippy::disallowed_methods,
    reason = "it runs where the crate is compiled, not where worlds are made"
)]

use std::path::{Path, PathBuf};
use std::{env, fs};

const PIPELINES: &str = "src/pipelines";

fn main() {
    println!("cargo::rerun-if-changed={PIPELINES}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    for entry in fs::read_dir(PIPELINES).expect("the pipelines lie beside the worlds") {
        let path = entry.expect("a folder of this package can be listed").path();
        let name = path.file_stem().expect("a file of the folder has a name");
        fs::write(out.join(name).with_extension("json"), json(&path)).expect("cargo's folder can be written");
    }
}

fn json(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a file of this package can be read");
    let pipeline: toml::Table =
        text.parse().unwrap_or_else(|error| panic!("{} is not TOML: {error}", path.display()));
    serde_json::to_string(&pipeline).expect("tables have string keys only, which JSON can always write")
}
