//! The Web Worker that holds the engine: see `kappascope_page::worker`.

fn main() {
    kappascope_page::worker::run();
}
