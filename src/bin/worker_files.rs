//! The Web Worker that holds the engine and reads files, which the page starts when the first is opened: see
//! `kappascope_page::worker`.

fn main() {
    kappascope_page::worker::run_with_files();
}
