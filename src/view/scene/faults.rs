//! What goes wrong on the way from a simulated world to the log, and a sink that is too slow: a dial each.
//!
//! A dial has one strength; what else a fault needs is set to what shows it well.

use crate::state::{Store, use_store};
use crate::text;
use crate::ui::slider::{MINUTE, SECOND, Slider};
use crate::view::sink::SinkPicture;
use crate::wire::Source;
use kappascope_core::backpressure::{QueueSpec, WhenFull};
use kappascope_scenario::Faults;
use kappascope_scenario::faults::{Burst, Idle, Skew, Skewed, Stragglers};
use leptos::prelude::*;

/// When an idle partition and a burst begin, after the start of the world.
const BEGIN_MS: u32 = 30 * 60_000;

/// How long a burst lasts.
const BURST_MS: u32 = 10 * 60_000;

/// How late stragglers come at most.
const LATE_MS: u32 = 2 * 60_000;

/// How many senders have a clock that is off, in a hundred.
const SKEWED_PERCENT: f64 = 5.0;

/// How many events wait in the slow sink's queue before the log has to keep them.
const QUEUE: u32 = 1_000;

/// One dial.
struct Fault {
    label: &'static str,
    about: &'static str,
    test_id: &'static str,
    ladder: &'static [f64],
    read: fn(&Faults) -> f64,
    set: fn(&mut Faults, f64, u32),
    write: fn(f64) -> String,
}

fn percent(number: f64) -> String {
    if number == 0.0 { "none".to_owned() } else { format!("{number}\u{a0}%") }
}

fn span(ms: f64) -> String {
    if ms == 0.0 { "none".to_owned() } else { text::span(ms as i64) }
}

fn shift(ms: f64) -> String {
    match ms {
        0.0 => "none".to_owned(),
        ms if ms < 0.0 => format!("{} behind", text::span(-ms as i64)),
        ms => format!("{} ahead", text::span(ms as i64)),
    }
}

fn times(factor: f64) -> String {
    if factor == 1.0 { "none".to_owned() } else { format!("{factor}×") }
}

const FAULTS: [Fault; 7] = [
    Fault {
        label: "Disorder",
        about: "Every event takes up to so much longer to arrive.",
        test_id: "fault-disorder",
        ladder: &[
            0.0,
            0.5 * SECOND,
            SECOND,
            2.0 * SECOND,
            5.0 * SECOND,
            10.0 * SECOND,
            30.0 * SECOND,
            MINUTE,
            5.0 * MINUTE,
        ],
        read: |faults| f64::from(faults.disorder_ms),
        set: |faults, ms, _| faults.disorder_ms = ms as u32,
        write: span,
    },
    Fault {
        label: "Stragglers",
        about: "So many events come one to two minutes late.",
        test_id: "fault-stragglers",
        ladder: &[0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0],
        read: |faults| faults.stragglers.map_or(0.0, |stragglers| stragglers.percent),
        set: |faults, percent, _| {
            faults.stragglers = (percent > 0.0).then_some(Stragglers { percent, late_ms: LATE_MS });
        },
        write: percent,
    },
    Fault {
        label: "Idle partition",
        about: "Half an hour in, the last partition sends nothing for so long; then all that it held back.",
        test_id: "fault-idle",
        ladder: &[0.0, MINUTE, 5.0 * MINUTE, 10.0 * MINUTE, 30.0 * MINUTE],
        read: |faults| faults.idle.map_or(0.0, |idle| f64::from(idle.length_ms)),
        set: |faults, ms, partitions| {
            let idle = Idle { from_ms: BEGIN_MS, length_ms: ms as u32, partition: partitions - 1 };
            faults.idle = (ms > 0.0).then_some(idle);
        },
        write: span,
    },
    Fault {
        label: "Duplicates",
        about: "So many events come twice.",
        test_id: "fault-duplicates",
        ladder: &[0.0, 0.5, 1.0, 2.0, 5.0, 10.0],
        read: |faults| faults.duplicates_percent,
        set: |faults, percent, _| faults.duplicates_percent = percent,
        write: percent,
    },
    Fault {
        label: "Clock skew",
        about: "The clocks of one sender in twenty are off by so much. One that is ahead moves the watermark.",
        test_id: "fault-skew",
        ladder: &[-10.0 * MINUTE, -MINUTE, -10.0 * SECOND, 0.0, 10.0 * SECOND, MINUTE, 10.0 * MINUTE],
        read: |faults| faults.skew.map_or(0.0, |skew| f64::from(skew.by_ms)),
        set: |faults, ms, _| {
            let skew = Skew { of: Skewed::Percent(SKEWED_PERCENT), by_ms: ms as i32 };
            faults.skew = (ms != 0.0).then_some(skew);
        },
        write: shift,
    },
    Fault {
        label: "Hot key",
        about: "So many events are those of one sender.",
        test_id: "fault-hot-key",
        ladder: &[0.0, 10.0, 20.0, 30.0, 50.0, 80.0],
        read: |faults| faults.hot_key_percent,
        set: |faults, percent, _| faults.hot_key_percent = percent,
        write: percent,
    },
    Fault {
        label: "Burst",
        about: "Half an hour in, so many times as many events come for ten minutes.",
        test_id: "fault-burst",
        ladder: &[1.0, 2.0, 5.0, 10.0, 20.0],
        read: |faults| faults.burst.map_or(1.0, |burst| burst.factor),
        set: |faults, factor, _| {
            let burst = Burst { from_ms: BEGIN_MS, length_ms: BURST_MS, factor };
            faults.burst = (factor > 1.0).then_some(burst);
        },
        write: times,
    },
];

/// Events a second that a slow sink takes; the last is one that is fast enough.
const SINKS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, f64::INFINITY];

/// The dials, folded until somebody wants something to go wrong.
#[component]
pub(super) fn FaultDials() -> impl IntoView {
    let store = use_store();
    let simulated = Memo::new(move |_| faults(store).is_some());
    let wrong = Memo::new(move |_| {
        let turned =
            faults(store).map_or(0, |faults| FAULTS.iter().filter(|fault| is_turned(fault, &faults)).count());
        turned + usize::from(store.sink.with(Option::is_some))
    });
    view! {
        <details class="more" data-testid="faults">
            <summary>
                "Faults"
                <em>{move || match wrong.get() {
                    0 => "none".to_owned(),
                    number => text::several(number as f64, "dial") + " turned",
                }}</em>
            </summary>
            <div class="more-body">
                <Show when=move || simulated.get()>
                    {FAULTS.iter().map(|fault| view! { <Dial fault=fault/> }).collect_view()}
                </Show>
                <SlowSink/>
            </div>
        </details>
    }
}

/// The faults of the simulated world that is open, or is being opened.
fn faults(store: Store) -> Option<Faults> {
    match store.wanted() {
        Some(Source::Scenario { faults, .. }) => Some(faults),
        _ => None,
    }
}

fn is_turned(fault: &Fault, faults: &Faults) -> bool {
    (fault.read)(faults) != (fault.read)(&Faults::default())
}

#[component]
fn Dial(fault: &'static Fault) -> impl IntoView {
    let store = use_store();
    // While a dial is turned it says where it will be; the source is opened again when it is let go.
    let turned = RwSignal::new(None);
    let value =
        Memo::new(move |_| turned.get().unwrap_or_else(|| (fault.read)(&faults(store).unwrap_or_default())));
    let partitions =
        move || store.opened.with_untracked(|opened| opened.as_ref().map_or(1, |o| o.spec.schema.partitions));
    let let_go = move |_| {
        if let Some(value) = turned.get_untracked() {
            store.disturb(|faults| (fault.set)(faults, value, partitions()));
            turned.set(None);
        }
    };
    view! {
        <div on:change=let_go>
            <Slider
                label=fault.label
                about=fault.about
                test_id=fault.test_id
                ladder=Signal::stored(fault.ladder.to_vec())
                value=value.into()
                mark=Signal::stored(None)
                words=Signal::derive(move || (fault.write)(value.get()))
                on_change=Callback::new(move |value| turned.set(Some(value)))
            >
                {fault.about}
            </Slider>
        </div>
    }
}

#[component]
fn SlowSink() -> impl IntoView {
    let store = use_store();
    let takes = |sink: &QueueSpec| f64::from(sink.service_per_second);
    let value = Memo::new(move |_| store.sink.with(|sink| sink.as_ref().map_or(f64::INFINITY, takes)));
    let write = |rate: f64| if rate.is_finite() { format!("{rate}/s") } else { "none".to_owned() };
    let set = move |rate: f64| {
        let spec = QueueSpec {
            capacity: QUEUE,
            when_full: WhenFull::Block,
            service_per_second: rate as u32,
            dial: Vec::new(),
        };
        store.set_sink(rate.is_finite().then_some(spec));
    };
    let effect = move || {
        store.controls.with(|frame| match &frame.sink {
            Some(sink) => format!(
                "{} wait, of them {} in the log; what it takes is {} old",
                text::count(sink.depth + sink.in_log),
                text::count(sink.in_log),
                text::span(sink.lag_ms as i64)
            ),
            None => "Whoever takes the events behind the engine is fast enough.".to_owned(),
        })
    };
    view! {
        <Slider
            label="Slow sink"
            about="A sink behind the engine that takes so many events a second of arrival time. Its queue blocks: nothing is lost, all grows old."
            test_id="fault-sink"
            ladder=Signal::stored(SINKS.to_vec())
            value=value.into()
            mark=Signal::stored(None)
            words=Signal::derive(move || write(value.get()))
            on_change=Callback::new(set)
        >
            {effect}
        </Slider>
        <Show when=move || store.sink.with(Option::is_some)><SinkPicture/></Show>
    }
}
