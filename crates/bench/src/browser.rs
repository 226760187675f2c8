//! The works for a Web Worker, which has the clock.
//!
//! Memory is 32 bits wide here, so one stream is held at a time.

use kappascope_core::Log;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::detector::Detector;
use crate::form::Form;
use crate::stream::Stream;
use crate::{Work, engine};
use kappascope_core::Spec;

/// One work with its events.
#[wasm_bindgen]
pub struct Bench {
    events: usize,
    work: Work,
    held: Option<(Stream, Log)>,
    file: Option<Text>,
}

/// A file of the events, as text.
struct Text {
    spec: Spec,
    bytes: Vec<u8>,
    digest: u64,
}

#[wasm_bindgen]
impl Bench {
    /// A bench for works of so many events.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(events: usize) -> Self {
        console_error_panic_hook::set_once();
        Self { events, work: Work::ALL[0], held: None, file: None }
    }

    /// Chooses a work, makes its events if another stream is held, and holds the loop against the engine. Gives the
    /// number of results, then their totals, each with how near another program must come to it.
    ///
    /// # Panics
    /// When the loop differs, or there is no such work.
    pub fn choose(&mut self, id: &str) -> Vec<f64> {
        self.work = *Work::ALL.iter().find(|work| work.id == id).expect("a work of this id");
        self.file = None;
        self.hold(self.work.stream);
        let totals = self.work.check(self.log());
        let figures = totals.figures.iter().flat_map(|&(total, tolerance)| [total, tolerance]);
        std::iter::once(totals.rows as f64).chain(figures).collect()
    }

    /// Makes the events of the detectors if another stream is held.
    pub fn prepare_detectors(&mut self) {
        self.file = None;
        self.hold(Detector::STREAM);
    }

    /// One kind of detector over the events, once.
    ///
    /// # Panics
    /// When there is no such kind.
    pub fn detect(&self, id: &str) {
        let detector = Detector::ALL.iter().find(|known| known.id == id).expect("a detector of this id");
        detector.run(self.log());
    }

    /// The engine, once.
    pub fn engine(&self) {
        self.work.run_engine(self.log());
    }

    /// The loop, once.
    pub fn by_hand(&self) {
        self.work.run_by_hand(self.log());
    }

    /// Writes so many events as a file and holds W1 over it against W1 over their log. Gives what
    /// [`choose`](Self::choose) gives.
    ///
    /// # Panics
    /// When the two differ, or there is no such form.
    pub fn write(&mut self, form: &str, events: usize) -> Vec<f64> {
        let form = *Form::ALL.iter().find(|known| known.id() == form).expect("a form of this id");
        self.held = Some((Stream::ThreeKeys, Stream::ThreeKeys.hour(events)));
        let totals = self.choose("w1");
        let spec = self.work.spec();
        let digest = engine::run(&spec, self.log(), |_| ()).digest();
        self.file = Some(Text { bytes: form.write(self.log()), spec, digest });
        self.held = None;
        self.read();
        totals
    }

    /// The file, read and run through W1, once.
    ///
    /// # Panics
    /// When it gives other results than its events.
    pub fn read(&self) {
        let Text { spec, bytes, digest } = self.file.as_ref().expect("a file was written");
        assert_eq!(engine::run_file(spec, &bytes[..]).digest(), *digest, "the file gave other results");
    }

    /// The file, for others.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.file.as_ref().expect("a file was written").bytes.clone()
    }

    /// The event times, which a number of JavaScript holds exactly.
    #[must_use]
    pub fn times(&self) -> Vec<f64> {
        self.log().read(0, usize::MAX).time().iter().map(|&time| time as f64).collect()
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> Vec<u32> {
        self.log().read(0, usize::MAX).key(0).to_vec()
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.log().read(0, usize::MAX).measure(0).to_vec()
    }

    fn hold(&mut self, stream: Stream) {
        if self.held.as_ref().is_none_or(|(held, _)| *held != stream) {
            self.held = None;
            self.held = Some((stream, stream.hour(self.events)));
        }
    }

    fn log(&self) -> &Log {
        &self.held.as_ref().expect("a work was chosen").1
    }
}
