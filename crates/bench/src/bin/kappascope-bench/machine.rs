//! What the figures were measured on.

/// Processor, cores, compiler and profile, in a line.
pub(crate) fn describe() -> String {
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let profile = if cfg!(debug_assertions) { "a debug build: these figures say nothing" } else { "release" };
    format!("{}; {cores} cores, one used; {}; {profile}", processor(), env!("RUSTC_VERSION"))
}

/// The processor's name, where Linux tells it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}
