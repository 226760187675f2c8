//! The page is embedded as it is in `dist/` when this crate is built: what changes there has to be embedded anew.

fn main() {
    println!("cargo:rerun-if-changed=../../dist");
}
