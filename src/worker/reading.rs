//! Opens files, and reads them into the session.
//!
//! ```text
//!   file ─► look: the beginning ─► profile ─► proposal ─► session begins
//!     └───► read: all of it, from the first byte ─► log
//! ```

use super::feed::Feed;
use super::input::{self, Input};
use super::{Host, SLICE_MS, Ticket};
use crate::wire::{Findings, Looking, Measured, Notice, Source};
use kappascope_core::Spec;
use kappascope_ingest::profile::{Mapping, Profile, Profiler, Proposal};
use std::rc::Rc;
use web_sys::File;

/// How much of a file is looked at before it runs: some hundred thousand rows, a fraction of a second.
const SCAN_BYTES: f64 = 16_777_216.0;

/// Opens a data set that comes with the page, by the pipeline that comes with it.
pub(super) async fn open_sample(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    name: &str,
) -> Result<(), String> {
    let path = format!("samples/{name}.toml");
    let spec =
        Spec::from_toml(&input::text(host, &path).await?).map_err(|error| format!("{path}: {error}"))?;
    let input = Input::of_site(host, &format!("samples/{name}.csv")).await?;
    begin(host, number, source, &input, spec)
}

/// Opens a file of the user's, by a pipeline proposed from its beginning, and says what it is.
pub(super) async fn open_file(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    file: Option<File>,
) -> Result<(), String> {
    let file = file.ok_or("the file did not reach the worker; choose it again")?;
    let input = Input::of_file(host, file).await?;
    let looked = look(host, &input, Some(SCAN_BYTES), || host.is_wanted(number)).await?;
    let Some(profile) = looked else { return Ok(()) };
    let proposal = profile.proposal().map_err(|error| error.to_string())?;
    let spec = pipeline(&proposal.mapping, &input)?;
    begin(host, number, source, &input, spec)?;
    host.tell(&measured(&input, profile, proposal), None);
    Ok(())
}

/// Starts over with a file by a mapping.
pub(super) fn run(
    host: &Rc<Host>,
    number: u32,
    source: &Source,
    input: &Input,
    mapping: &Mapping,
) -> Result<(), String> {
    begin(host, number, source, input, pipeline(mapping, input)?)
}

/// Looks at the whole of a file and says what it is.
pub(super) async fn measure(
    host: &Rc<Host>,
    input: &Input,
    is_wanted: impl Fn() -> bool,
) -> Result<(), String> {
    let Some(profile) = look(host, input, None, is_wanted).await? else { return Ok(()) };
    let proposal = profile.proposal().map_err(|error| error.to_string())?;
    host.tell(&measured(input, profile, proposal), None);
    Ok(())
}

/// Reads a file from its first byte into the session that wants it, as long as it does.
pub(super) async fn read(host: &Rc<Host>, ticket: Ticket, input: &Input) -> Result<(), String> {
    let mut stream = input.open(host).await?;
    let mut since = host.now_ms();
    while host.has_room(ticket).await {
        let chunk = stream.next().await?;
        host.with_session(ticket, |session| session.take(chunk.as_deref()))?;
        if chunk.is_none() {
            break;
        }
        rest(host, &mut since).await;
    }
    Ok(())
}

fn begin(host: &Rc<Host>, number: u32, source: &Source, input: &Input, spec: Spec) -> Result<(), String> {
    let feed = Feed::bytes(input.clone(), spec)?;
    if host.is_wanted(number) {
        host.begin(number, source.clone(), feed);
    }
    Ok(())
}

/// Takes the profile of a file's first bytes, or of all of them. Nothing when it is no longer wanted.
async fn look(
    host: &Rc<Host>,
    input: &Input,
    most: Option<f64>,
    is_wanted: impl Fn() -> bool,
) -> Result<Option<Profile>, String> {
    let mut profiler = Profiler::new(input.head()).map_err(|error| error.to_string())?;
    let mut stream = input.open(host).await?;
    let all = most.unwrap_or(f64::INFINITY).min(input.total());
    let mut since = host.now_ms();
    while stream.read() < most.unwrap_or(f64::INFINITY) {
        let chunk = stream.next().await?;
        if !is_wanted() {
            return Ok(None);
        }
        let Some(chunk) = chunk else {
            profiler.finish().map_err(|error| error.to_string())?;
            break;
        };
        profiler.push(&chunk).map_err(|error| error.to_string())?;
        if rest(host, &mut since).await {
            let part = (stream.read() / all).min(1.0);
            let looking = Looking { name: input.name(), part, whole: most.is_none() };
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
    Notice::Measured(Box::new(Measured { name: input.name(), bytes: input.total(), findings }))
}
