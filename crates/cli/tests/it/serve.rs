//! `kappascope serve` from outside.

use crate::command::Folder;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr};
use std::time::Duration;

/// A server that runs, and where.
struct Serving {
    child: Child,
    address: String,
    messages: BufReader<ChildStderr>,
}

impl Serving {
    fn start(folder: &Folder, options: &str) -> Self {
        let mut child = folder.start(&format!("serve --listen 127.0.0.1:0 {options}"));
        let mut messages = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        messages.read_line(&mut line).expect("a message");
        let address = line.trim_end().rsplit_once("http://").expect("an address").1.to_owned();
        Self { child, address, messages }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Waits until an answer holds something.
    fn until(&self, path: &str, part: &str) -> String {
        for _ in 0..500 {
            let answer = self.get(path);
            if answer.contains(part) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{path} never had {part}: {}", self.get(path));
    }

    /// Ends it as a service manager does; gives its exit code and what it said.
    #[cfg(unix)]
    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").arg(pid).status().expect("kill is there").success());
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("it ends").code();
        let mut said = String::new();
        self.messages.read_to_string(&mut said).expect("messages are UTF-8");
        (code, said)
    }
}

#[test]
#[cfg(unix)]
fn a_pipeline_is_served_until_a_signal_comes() {
    let folder = Folder::new();
    let run = folder.run("run --from scenario:website?seed=3&events=20000");
    let summary: serde_json::Value = serde_json::from_str(run.summary()).expect("a summary");
    let serving = Serving::start(&folder, "--from scenario:website?seed=3&events=20000");
    // The last windows close at the end of the source.
    let metrics = serving.until("/metrics", &format!("\nkappascope_windows_total {}\n", summary["windows"]));
    for (metric, figure) in [("events", "events"), ("late_events", "late"), ("alerts", "alerts")] {
        let line = format!("\nkappascope_{metric}_total {}\n", summary[figure]);
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
    assert!(serving.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(serving.get("/readyz").starts_with("HTTP/1.1 200"));
    assert_eq!(serving.terminate(), (Some(0), String::new()));
}

#[test]
fn what_cannot_be_served_is_told() {
    let folder = Folder::new();
    folder.write("token", "short\n");
    for (options, part) in [
        ("--listen 0.0.0.0:0", "can be reached from other machines and needs a token"),
        (
            "--listen 127.0.0.1:0 --token-file token",
            "token: the token has 5 bytes; at least 16 would keep people out",
        ),
        ("--listen 127.0.0.1:0 --token-file nothing", "nothing: there is no such file"),
        ("--listen nowhere", "invalid value 'nowhere' for '--listen <ADDRESS>'"),
        ("-p p.toml", "--from <SRC>"),
        ("--listen 127.0.0.1:0 --from kafka://x", "names no topic"),
        ("--listen 127.0.0.1:0 --from ftp://x", "no such source"),
    ] {
        let output = folder.run(&format!("serve {options}"));
        assert_eq!(output.code, 2, "{options}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{options}: {}", output.stderr);
    }
}

#[test]
fn a_pipeline_that_cannot_go_on_ends_the_program() {
    let folder = Folder::new();
    let mut serving = Serving::start(&folder, "-p p.toml --from nothing.csv");
    let (code, said) = serving.end();
    assert_eq!((code, said.as_str()), (Some(2), "kappascope: nothing.csv: there is no such file\n"));
}
