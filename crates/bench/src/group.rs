//! What engine and loop both compute: the results of one window and key.

/// The results of one window and key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) start: i64,
    pub(crate) key: u32,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) avg: f64,
}

/// Holds the loop's groups against the engine's. Sums run in the order of the events in both, so they
/// are equal, not nearly equal.
///
/// # Panics
/// When they differ: then the two did not do the same work, and their times say nothing.
pub(crate) fn assert_same(engine: Vec<Group>, by_hand: Vec<Group>) {
    if let Some(difference) = difference(engine, by_hand) {
        panic!("the engine and the loop differ: {difference}");
    }
}

fn difference(mut engine: Vec<Group>, mut by_hand: Vec<Group>) -> Option<String> {
    for groups in [&mut engine, &mut by_hand] {
        groups.sort_unstable_by_key(|group| (group.start, group.key));
    }
    let differs = engine.iter().zip(&by_hand).find(|(ours, theirs)| ours != theirs);
    match differs {
        Some((ours, theirs)) => Some(format!("{ours:?}, by hand {theirs:?}")),
        None if engine.len() != by_hand.len() => {
            Some(format!("{} groups, by hand {}", engine.len(), by_hand.len()))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Group = Group { start: 0, key: 0, count: 2, sum: 0.3, min: 0.1, max: 0.2, avg: 0.15 };

    #[test]
    fn order_does_not_matter() {
        let other = Group { key: 1, ..GROUP };
        assert_eq!(difference(vec![GROUP, other], vec![other, GROUP]), None);
    }

    #[test]
    fn the_last_bit_of_a_sum_matters() {
        let other = Group { sum: 0.1 + 0.2, ..GROUP };
        assert!(
            difference(vec![GROUP], vec![other]).is_some_and(|text| text.contains("0.30000000000000004"))
        );
    }

    #[test]
    fn a_group_that_is_missing_matters() {
        assert_eq!(difference(vec![GROUP, GROUP], vec![GROUP]), Some("2 groups, by hand 1".to_owned()));
    }
}
