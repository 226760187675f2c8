//! The Web Worker that holds the engine, for simulated worlds: see `kappascope_page::worker`.

fn main() {
    kappascope_page::worker::run();
}
