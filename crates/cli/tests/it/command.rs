//! Runs the real binary in a folder of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Windows of a minute by `who`, in a schema of `at`, `who`, `ms`.
pub(crate) const PIPELINE: &str = "\
name = 'p'
version = 1
[schema]
time = 'at'
keys = ['who']
measures = ['ms']
[watermark]
bound = '1s'
[[query]]
name = 'per_minute'
by = ['who']
window = { tumbling = '1m' }
aggregates = ['count()', 'avg(ms)']
";

/// A folder with `p.toml`, and whatever a test puts there.
pub(crate) struct Folder(TempDir);

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        folder.write("p.toml", PIPELINE);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file in a temporary folder");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file that was written")
    }

    /// A command line, split at spaces, with nothing on standard input.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.run_with(line, b"")
    }

    pub(crate) fn run_with(&self, line: &str, stdin: &[u8]) -> Output {
        let mut child = self.start(line);
        let mut input = child.stdin.take().expect("a pipe");
        Output::of(std::thread::scope(|scope| {
            // A program that stops reading early is no failure of the test.
            scope.spawn(move || drop(input.write_all(stdin)));
            child.wait_with_output().expect("the binary ends")
        }))
    }

    /// Starts a command line, split at spaces.
    pub(crate) fn start(&self, line: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_kappascope"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }
}

impl Output {
    fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// Exit code and what was said.
    pub(crate) fn told(&self) -> String {
        format!("{}: {}", self.code, self.stderr)
    }

    /// The last line.
    pub(crate) fn summary(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        self.stdout.lines().last().unwrap_or_default()
    }
}

impl Folder {
    /// A command whose output nobody reads to the end.
    pub(crate) fn run_closed(&self, line: &str) -> Output {
        let mut child = self.start(line);
        drop(child.stdin.take());
        let mut stdout = child.stdout.take().expect("a pipe");
        std::io::Read::read_exact(&mut stdout, &mut [0; 100]).expect("some output");
        drop(stdout);
        Output::of(child.wait_with_output().expect("the binary ends"))
    }

    /// The most memory a command had while `bytes` of a file with the header `at,who,ms` and rows by
    /// `row` went through its standard input.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory_kb(&self, line: &str, bytes: usize, row: impl Fn(&mut String, u64)) -> u64 {
        let mut child = self.start(line);
        let mut input = child.stdin.take().expect("a pipe");
        let (mut portion, mut written, mut i) = ("at,who,ms\n".to_owned(), 0, 0);
        while written < bytes {
            while portion.len() < 1 << 20 {
                row(&mut portion, i);
                i += 1;
            }
            input.write_all(portion.as_bytes()).expect("the binary reads");
            written += portion.len();
            portion.clear();
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
        drop(input);
        assert_eq!(Output::of(child.wait_with_output().expect("the binary ends")).told(), "0: ");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        peak.and_then(|peak| peak.trim().parse().ok()).expect("Linux tells the peak")
    }
}
