//! A profile as text: comments that say what a source holds, and a pipeline with a reason at each line.
//!
//! **Invariant:** every line is a comment or part of the pipeline, so the whole is a pipeline file; and no
//! line is longer than [`WIDTH`], but for a pipeline's own.

use crate::text::{WIDTH, cut, date, hanging, one_line, table, width, wrapped};
use kappascope_ingest::profile::words::{counted, number, percent, span, written};
use kappascope_ingest::profile::{ColumnKind, ColumnProfile, Disorder, Profile, Proposal, Rate, TimeProfile};

/// Characters of a column's name in a table.
const NAME_CHARS: usize = 24;

/// Columns of a file that are listed: what fits on a few screens.
const MOST_LISTED: usize = 64;

/// From this character on a line may hold the reason for what stands before it.
const REASON_AT: usize = 34;

/// Heights of a bar, the lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What a source holds, as comments.
pub(crate) fn of(profile: &Profile, place: &str) -> String {
    let mut lines = vec![head(profile, place)];
    section(&mut lines, "Columns", columns(profile));
    if let Some(time) = &profile.time {
        section(&mut lines, &format!("Times of `{}`, in UTC", time.column), times(time));
        section(&mut lines, &disorder_title(time), disorder(&time.disorder, time.events));
    }
    section(&mut lines, "To look at", odd(profile));
    lines.iter().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

/// The pipeline with a comment at each line: behind it where there is room, otherwise above.
pub(crate) fn with_reasons(toml: &str, proposal: &Proposal) -> String {
    let (mut text, mut table) = (String::new(), String::new());
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned() + ".";
        }
        let field = line.split_once(" = ").map(|(field, _)| format!("{table}{field}"));
        match field.and_then(|field| reason(proposal, &field)) {
            None => text.push_str(line),
            Some(why) => text.push_str(&commented(line, why)),
        }
        text.push('\n');
    }
    text
}

/// The reason for a field, or for the table that it is the only field of.
fn reason<'a>(proposal: &'a Proposal, field: &str) -> Option<&'a str> {
    let table = || field.rsplit_once('.').and_then(|(table, _)| proposal.reason(table));
    proposal.reason(field).or_else(table)
}

fn commented(line: &str, why: &str) -> String {
    let behind = format!("{line:<REASON_AT$} # {why}");
    if width(&behind) <= WIDTH {
        return behind;
    }
    let above: String = wrapped(why, WIDTH - 2).iter().map(|part| format!("# {part}\n")).collect();
    above + line
}

fn section(lines: &mut Vec<String>, title: &str, body: Vec<String>) {
    if !body.is_empty() {
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(body.iter().map(|line| format!("  {line}")));
    }
}

fn head(profile: &Profile, place: &str) -> String {
    let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
    let broken = match profile.broken {
        0 => String::new(),
        n => format!(", {} broken", counted(n)),
    };
    let records = counted(profile.records);
    format!("{}: {}; {records} records{broken}; {}", one_line(name), profile.form, size(profile.bytes))
}

fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} bytes"),
    }
}

fn columns(profile: &Profile) -> Vec<String> {
    let header = ["column", "kind", "empty", "misfits", "distinct", ""].map(str::to_owned).to_vec();
    let rows = profile.columns.iter().take(MOST_LISTED).map(|column| {
        let cells = [column.empty, column.misfits].map(count_or_nothing);
        let name = cut(&one_line(&column.name), NAME_CHARS);
        let [empty, misfits] = cells;
        vec![name, kind(column).to_owned(), empty, misfits, distinct(column), String::new()]
    });
    let mut lines = table(std::iter::once(header).chain(rows).collect(), 2);
    for (line, column) in lines.iter_mut().skip(1).zip(&profile.columns) {
        let room = (WIDTH - 4).saturating_sub(width(line));
        line.push_str(&holds(column, room));
    }
    if profile.columns.len() > MOST_LISTED {
        lines.push(format!("… and {} more", profile.columns.len() - MOST_LISTED));
    }
    lines
}

fn kind(column: &ColumnProfile) -> &'static str {
    match column.kind {
        ColumnKind::Time { .. } => "time",
        ColumnKind::Number => "number",
        ColumnKind::Text => "text",
        ColumnKind::Empty => "empty",
    }
}

fn count_or_nothing(count: u64) -> String {
    if count == 0 { String::new() } else { counted(count) }
}

fn distinct(column: &ColumnProfile) -> String {
    let about = if column.distinct.exact { "" } else { "~" };
    format!("{about}{}", counted(column.distinct.count))
}

/// What a column holds, in so many characters.
fn holds(column: &ColumnProfile, room: usize) -> String {
    match (&column.kind, &column.numbers) {
        (ColumnKind::Time { format, zone }, _) => cut(&format!("{}; zone: {zone}", written(format)), room),
        (_, Some(numbers)) => {
            let counts: Vec<u64> = numbers.histogram.iter().map(|bar| bar.count).collect();
            let [low, high, mean] = [numbers.low, numbers.high, numbers.mean].map(number);
            cut(&format!("{low} to {high}, mean {mean}  {}", bars(&counts)), room)
        }
        _ => frequent(&column.top, room),
    }
}

/// As many of the most frequent values as there is room for.
fn frequent(top: &[(String, u64)], room: usize) -> String {
    let mut text = String::new();
    for (value, count) in top {
        let comma = if text.is_empty() { "" } else { ", " };
        let more = format!("{comma}{} {}", cut(&one_line(value), NAME_CHARS), counted(*count));
        if width(&text) + width(&more) > room {
            break;
        }
        text.push_str(&more);
    }
    text
}

fn times(time: &TimeProfile) -> Vec<String> {
    let Rate { step_ms, counts, .. } = &time.rate;
    // Two columns are the margin, two the comment sign.
    let together = counts.len().div_ceil(WIDTH - 4).max(1);
    let shown: Vec<u64> = counts.chunks(together).map(|counts| counts.iter().sum()).collect();
    let most = shown.iter().max().copied().unwrap_or(0);
    let step = span(step_ms * together as i64);
    let regular = time.regular_ms.map(|ms| format!("; an event of each group every {}", span(ms)));
    vec![
        format!("{} to {}: {}", date(time.first), date(time.last), span(time.last - time.first)),
        format!("Events in steps of {step}, at most {}{}", counted(most), regular.unwrap_or_default()),
        bars(&shown),
    ]
}

fn disorder_title(time: &TimeProfile) -> String {
    let Disorder { behind, worst_ms, .. } = time.disorder;
    if behind == 0 {
        return "Disorder: every event comes in order".to_owned();
    }
    format!(
        "Disorder: {} of {} events ({}) come after a newer one, by up to {}",
        counted(behind),
        counted(time.events),
        percent(behind, time.events),
        span(worst_ms)
    )
}

/// For each bound the events that lie so far behind, and those that it would lose.
fn disorder(disorder: &Disorder, events: u64) -> Vec<String> {
    if disorder.behind == 0 {
        return Vec::new();
    }
    let header = ["a bound of", "so far behind", "would lose", ""].map(str::to_owned).to_vec();
    let steps = disorder.loses.iter().zip(&disorder.delays);
    let rows = steps.filter(|(loss, delay)| loss.bound_ms == 0 || delay.events > 0).map(|(loss, delay)| {
        let lost = [counted(loss.events), percent(loss.events, events)];
        let [lost, share] = lost;
        vec![span(loss.bound_ms), counted(delay.events), lost, share]
    });
    table(std::iter::once(header).chain(rows).collect(), 0)
}

/// What a person should know before running it.
fn odd(profile: &Profile) -> Vec<String> {
    let mut told: Vec<String> = profile.notices.clone();
    for column in profile.columns.iter().take(MOST_LISTED) {
        let name = one_line(&column.name);
        told.extend(column.notice.iter().map(|notice| format!("`{name}`: {notice}")));
        let first = column.first_misfit.as_ref().filter(|_| column.notice.is_none());
        told.extend(first.map(|misfit| format!("`{name}`, line {}: {}", misfit.line, misfit.reason)));
    }
    let duplicates = profile.duplicates;
    if duplicates.same > 0 {
        let [same, among] = [duplicates.same, duplicates.among].map(counted);
        told.push(format!("{same} of the first {among} records are equal to an earlier one"));
    }
    told.iter().flat_map(|told| hanging(told)).collect()
}

/// A bar for each count; none where there is nothing.
fn bars(counts: &[u64]) -> String {
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    let height = |count: u64| (u128::from(count) * 7).div_ceil(u128::from(most)) as usize;
    counts.iter().map(|&count| if count == 0 { ' ' } else { BARS[height(count)] }).collect()
}
