//! Compares alerts with Prometheus', and lets it judge our metrics: `alerts PROMTOOL FOLDER`, which `cargo xtask conformance --alerts` calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use kappascope_conformance::prometheus::{Case, Claim, Claims, Promtool, State, Verdict, Window, states};
use kappascope_serve::{Metrics, Reading};

/// Rows that our engine takes at once: what it says does not depend on it.
const BLOCKS: [usize; 3] = [1, 7, 100_000];

/// One transition of every so manieth case is shifted, which Prometheus must deny.
const CONTROL_STEP: usize = 10;

/// Cases whose differences are printed; after that they are only counted.
const SHOWN: usize = 3;

fn main() -> Result<ExitCode> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [program, folder] = &arguments[..] else { bail!("call it as `cargo xtask conformance --alerts`") };
    let promtool = Promtool { program: program.clone(), folder: folder.clone() };
    let cases = Case::all();
    let claims = cases.iter().map(claim).collect::<Result<Claims<'_>>>()?;
    let controls: Claims<'_> = claims.iter().filter_map(shifted).step_by(CONTROL_STEP).collect();
    println!("Prometheus {}", promtool.version()?);
    print_table(&claims);
    let different = different(&promtool.judge(&claims)?);
    let denied = promtool.judge(&controls)?.values().filter(|verdict| **verdict != Verdict::Agrees).count();
    println!("{} cases, {different} different", claims.len());
    println!("{} cases with a transition shifted by one evaluation, {denied} different", controls.len());
    let metrics = sound_metrics(&promtool)?;
    let as_it_should = metrics && different == 0 && denied == controls.len() && !controls.is_empty();
    Ok(if as_it_should { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether Prometheus has nothing to complain of in our metrics, but has in the same under a worse name.
fn sound_metrics(promtool: &Promtool) -> Result<bool> {
    let metrics = Metrics::default();
    metrics.read(&Reading { events: 1, watermark: Some(1), ..Reading::default() });
    let text = metrics.text();
    let complaints = promtool.complaints(&text)?;
    let control = promtool.complaints(&text.replace("_total", ""))?;
    println!(
        "metrics: {} complaints, {} under worse names",
        complaints.lines().count(),
        control.lines().count()
    );
    print!("{complaints}");
    Ok(complaints.is_empty() && !control.is_empty())
}

/// What our engine says of a case, whatever the blocks.
fn claim(case: &Case) -> Result<(String, Claim<'_>)> {
    let [said, others @ ..] = BLOCKS.map(|rows| states(case, rows));
    let said = said?;
    for other in others {
        if other? != said {
            bail!("case {}: what the engine says depends on the size of the blocks", case.number);
        }
    }
    Ok((format!("case-{:03}", case.number), Claim { case, states: said }))
}

/// The same with the first transition of some key one evaluation later.
fn shifted<'a>((name, claim): (&String, &Claim<'a>)) -> Option<(String, Claim<'a>)> {
    let mut claim = claim.clone();
    let moved = claim.states.iter_mut().find_map(|of_key| {
        let at = of_key.windows(2).position(|pair| pair[0] != pair[1])?;
        Some((of_key, at + 1))
    });
    let (of_key, at) = moved?;
    of_key[at] = of_key[at - 1];
    Some((format!("{name}-shifted"), claim))
}

fn print_table(claims: &Claims<'_>) {
    println!("{:<12}{:>8}{:>8}{:>14}{:>10}{:>10}", "", "cases", "series", "evaluations", "pending", "firing");
    for window in [Window::Tumbling, Window::Hopping, Window::Cumulate, Window::Rolling] {
        let of_window: Vec<_> = claims.values().filter(|claim| claim.case.window == window).collect();
        let series: Vec<&Vec<State>> = of_window.iter().flat_map(|claim| &claim.states).collect();
        let count =
            |wanted| series.iter().flat_map(|states| states.iter()).filter(|state| **state == wanted).count();
        let evaluations: usize = series.iter().map(|states| states.len()).sum();
        let (pending, firing) = (count(State::Pending), count(State::Firing));
        let name = format!("{window:?}").to_lowercase();
        println!(
            "{name:<12}{:>8}{:>8}{evaluations:>14}{pending:>10}{firing:>10}",
            of_window.len(),
            series.len()
        );
    }
}

/// How many cases differ; the first are printed.
fn different(verdicts: &BTreeMap<String, Verdict>) -> usize {
    let differences = verdicts.iter().filter_map(|(name, verdict)| match verdict {
        Verdict::Agrees => None,
        Verdict::Differs(how) => Some((name, how)),
    });
    differences.clone().take(SHOWN).for_each(|(name, how)| println!("{name}:\n{how}"));
    differences.count()
}
