//! Opens files, and reads them into the session.
//!
//! ```text
//!   file ─► look: the beginning ─► profile ─► proposal ─► session begins
//!     └───► read: all of it, from its start ─► log
//! ```

use super::feed;
use super::input::{self, Input, Size};
use super::{Files, Host, SLICE_MS, Ticket, live};
use crate::wire::{Findings, Looking, Measured, Notice, Source};
use kappascope_core::Spec;
use kappascope_ingest::profile::{Mapping, Profile, Proposal};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

/// How much of a file is looked at before it runs: some hundred thousand rows, a fraction of a second.
const SCAN_BYTES: f64 = 16_777_216.0;

/// The same of a file of columns.
const SCAN_ROWS: f64 = 200_000.0;

/// The worker that reads files.
pub(super) struct Reading;

impl Files for Reading {
    fn open(&self, host: &Rc<Host>, source: Source, file: Option<File>) {
        let (host, number) = (Rc::clone(host), host.ask());
        spawn_local(async move {
            let result = match &source {
                Source::Sample(name) => open_sample(&host, number, &source, name).await,
                _ => open_file(&host, number, &source, file).await,
            };
            if host.is_wanted(number) {
                host.tell(&Notice::Looking(None), None);
                if let Err(problem) = result {
                    host.trouble(&source, &problem);
                }
            }
        });
    }

    fn listen(&self, host: &Rc<Host>, address: &str) {
        live::listen(host, address);
    }

    fn run(&self, host: &Rc<Host>, source: &Source, input: &Input, mapping: &Mapping) {
        let result = pipeline(mapping, input).and_then(|spec| begin(host, host.ask(), source, input, spec));
        if let Err(problem) = result {
            host.tell(&Notice::Refused(problem), None);
        }
    }

    fn measure(&self, host: &Rc<Host>, source: Source, input: Input) {
        let (host, look) = (Rc::clone(host), host.look.get());
        spawn_local(async move {
            let is_wanted = || host.look.get() == look;
            let result = measure(&host, &input, is_wanted).await;
            if is_wanted() {
                host.tell(&Notice::Looking(None), None);
                if let Err(problem) = result {
                    host.trouble(&source, &problem);
                }
            }
        });
    }

    fn read(&self, host: &Rc<Host>, ticket: Ticket, input: Input, wanted: Vec<usize>) {
        let host = Rc::clone(host);
        spawn_local(async move {
            if let Err(problem) = read(&host, ticket, &input, &wanted).await {
                host.break_off(ticket, &format!("{}: {problem}", input.name()));
            }
        });
    }
}

/// Opens a data set that comes with the page, by the pipeline that comes with it.
async fn open_sample(host: &Rc<Host>, number: u32, source: &Source, name: &str) -> Result<(), String> {
    let path = format!("samples/{name}.toml");
    let spec =
        Spec::from_toml(&input::text(host, &path).await?).map_err(|error| format!("{path}: {error}"))?;
    let input = Input::of_site(host, &format!("samples/{name}.csv")).await?;
    begin(host, number, source, &input, spec)
}

/// Opens a file of the user's, by a pipeline proposed from its beginning, and says what it is.
async fn open_file(host: &Rc<Host>, number: u32, source: &Source, file: Option<File>) -> Result<(), String> {
    let file = file.ok_or("the file did not reach the worker; choose it again")?;
    let input = Input::of_file(host, file).await?;
    let looked = look(host, &input, Scan::Beginning, || host.is_wanted(number)).await?;
    let Some(profile) = looked else { return Ok(()) };
    let proposal = profile.proposal().map_err(|error| error.to_string())?;
    let spec = pipeline(&proposal.mapping, &input)?;
    begin(host, number, source, &input, spec)?;
    host.tell(&measured(&input, profile, proposal), None);
    Ok(())
}

/// Looks at the whole of a file and says what it is.
async fn measure(host: &Rc<Host>, input: &Input, is_wanted: impl Fn() -> bool) -> Result<(), String> {
    let Some(profile) = look(host, input, Scan::Whole, is_wanted).await? else { return Ok(()) };
    let proposal = profile.proposal().map_err(|error| error.to_string())?;
    host.tell(&measured(input, profile, proposal), None);
    Ok(())
}

/// Reads a file from its start into the session that wants it, as long as it does.
async fn read(host: &Rc<Host>, ticket: Ticket, input: &Input, wanted: &[usize]) -> Result<(), String> {
    let mut stream = input.open(host, Some(wanted)).await?;
    let mut since = host.now_ms();
    while host.has_room(ticket).await {
        let piece = stream.next().await?;
        host.with_session(ticket, |session| session.take(piece.as_ref()))?;
        if piece.is_none() {
            break;
        }
        rest(host, &mut since).await;
    }
    Ok(())
}

fn begin(host: &Rc<Host>, number: u32, source: &Source, input: &Input, spec: Spec) -> Result<(), String> {
    let feed = feed::File::open(input.clone(), spec)?;
    if host.is_wanted(number) {
        host.begin(number, source.clone(), feed);
    }
    Ok(())
}

/// How much of a file is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scan {
    Beginning,
    Whole,
}

impl Scan {
    /// Bytes or rows, as the input counts them.
    fn most(self, input: &Input) -> f64 {
        match (self, input.size()) {
            (Self::Whole, _) => f64::INFINITY,
            (Self::Beginning, Size::Bytes(_)) => SCAN_BYTES,
            (Self::Beginning, Size::Rows(_)) => SCAN_ROWS,
        }
    }
}

/// Takes the profile of a file's beginning, or of all of it. Nothing when it is no longer wanted.
async fn look(
    host: &Rc<Host>,
    input: &Input,
    scan: Scan,
    is_wanted: impl Fn() -> bool,
) -> Result<Option<Profile>, String> {
    let mut profiler = input.form().profiler().map_err(|error| error.to_string())?;
    let mut stream = input.open(host, None).await?;
    let most = scan.most(input);
    let all = most.min(input.size().number());
    let mut since = host.now_ms();
    while stream.read() < most {
        let piece = stream.next().await?;
        if !is_wanted() {
            return Ok(None);
        }
        profiler.take(piece.as_ref()).map_err(|error| error.to_string())?;
        if piece.is_none() {
            break;
        }
        if rest(host, &mut since).await {
            let part = (stream.read() / all).min(1.0);
            let looking = Looking { name: input.name(), part, whole: scan == Scan::Whole };
            host.tell(&Notice::Looking(Some(looking)), None);
        }
    }
    Ok(Some(profiler.profile()))
}

/// After every slice of time others have their turn: the browser would bring one chunk after the other, and
/// neither the engine nor a message between them. Says whether they had.
async fn rest(host: &Host, since: &mut f64) -> bool {
    let due = host.now_ms() - *since > SLICE_MS;
    if due {
        host.turn().await;
        *since = host.now_ms();
    }
    due
}

fn pipeline(mapping: &Mapping, input: &Input) -> Result<Spec, String> {
    mapping.pipeline(&input.name()).map_err(|error| error.to_string())
}

fn measured(input: &Input, profile: Profile, proposal: Proposal) -> Notice {
    let findings = serde_json::to_string(&Findings { profile, proposal })
        .expect("findings are plain data with names for keys");
    Notice::Measured(Box::new(Measured { name: input.name(), bytes: input.bytes(), findings }))
}
