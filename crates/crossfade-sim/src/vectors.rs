//! Vectors of texts, for every simulated embedding model: texts with words in common lie near each other, and no two
//! models put a text at the same place.

use crate::script::unit_interval;

/// How much of a vector is the text's own, beside its words.
const OWN: f64 = 0.1;

/// The vector of a text, of length one.
pub(crate) fn vector(model: &str, text: &str, dimensions: u64) -> Vec<f64> {
    let seeds: Vec<(u64, f64)> = words(text)
        .map(|word| (seed(model, &word), 1.0))
        .chain([(seed(model, text), OWN)])
        .collect();
    let raw: Vec<f64> = (0..dimensions)
        .map(|at| {
            let one =
                |(seed, weight): &(u64, f64)| (unit_interval(seed.wrapping_add(at)) - 0.5) * weight;
            seeds.iter().map(one).sum()
        })
        .collect();
    let square: f64 = raw.iter().map(|x| x * x).sum();
    let length = square.sqrt().max(f64::MIN_POSITIVE);
    raw.into_iter().map(|x| x / length).collect()
}

/// The words of a text: at most a few hundred, so that a long text does not take long.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(256)
        .map(str::to_lowercase)
}

/// FNV-1a.
fn seed(model: &str, text: &str) -> u64 {
    let bytes = model.bytes().chain([0]).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn neighbours_share_words() {
        let of = |text: &str| vector("m", text, 512);
        let boots = of("how to break in leather boots");
        assert!((likeness(&boots, &boots) - 1.0).abs() < 1e-9);
        assert!(likeness(&boots, &of("breaking in new leather boots")) > 0.5);
        assert!(likeness(&boots, &of("the moon is made of cheese")).abs() < 0.3);
        assert_ne!(boots, of("How to break in leather boots."));
    }

    #[test]
    fn models_disagree_on_places_and_agree_on_neighbours() {
        let (a, b) = (
            vector("a", "leather boots", 512),
            vector("b", "leather boots", 512),
        );
        assert!(likeness(&a, &b).abs() < 0.3);
        let near = |model| {
            likeness(
                &vector(model, "leather boots", 512),
                &vector(model, "leather shoes", 512),
            )
        };
        assert!(near("a") > 0.3 && near("b") > 0.3);
    }
}
