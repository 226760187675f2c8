//! tmp
use kappascope_core::{Millis, detect::Detector, spec::DetectorKind};
use kappascope_nab::*;
fn main() -> anyhow::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_default();
    let corpus = corpus::Corpus::read(std::path::Path::new(&dir))?;
    println!("{} {} {}", corpus.series.len(), corpus.rows(), corpus.windows());
    let marks = score::Marks::of(&corpus);
    for (name, scores) in [
        ("gauss", corpus.series.iter().map(controls::windowed_gaussian).collect::<Vec<_>>()),
        (
            "novelty",
            corpus
                .series
                .iter()
                .map(|s| {
                    let kind: DetectorKind = toml::from_str("kind = 'novelty'\nwarmup = 100").unwrap();
                    let mut d = Detector::new(&kind).unwrap();
                    s.times
                        .iter()
                        .zip(&s.values)
                        .map(|(t, v)| d.judge(Millis(*t), *v).map_or(f64::NEG_INFINITY, |j| j.score))
                        .collect()
                })
                .collect(),
        ),
        ("clock", corpus.series.iter().map(|s| controls::clock(s, 400)).collect()),
    ] {
        for rest in [sweep::Rest::None, sweep::Rest::Share(0.04)] {
            let steps = sweep::steps(&scores, &marks, rest);
            let all: Vec<_> = marks.series.iter().map(|(w, _)| *w).zip(&steps).collect();
            let figures: Vec<_> = score::PROFILES.iter().map(|p| sweep::best(&all, p)).collect();
            println!("{name} {rest:?} {figures:?}");
            for t in [
                1.0 - 5e-13,
                1.0 - 5e-14,
                1.0 - 5e-15,
                0.9999999999999998,
                0.99999999999,
                0.9999999999,
                0.999999999999,
                0.9999,
                0.99999,
                0.999999,
                0.9999999,
            ] {
                println!(
                    "{t} {:?}",
                    score::PROFILES.iter().map(|p| sweep::score_at(&all, t, p)).collect::<Vec<_>>()
                );
            }
        }
    }
    Ok(())
}
