//! Reads Prometheus' text form, as far as counters go: what a scrape shows is what the summary says.

use std::collections::BTreeMap;

/// The samples of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exposition(Vec<Sample>);

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    /// Reads a scrape; lines that are no samples are left out.
    pub(super) fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Self(samples.filter_map(sample).collect())
    }

    /// Sums the samples of a metric that carry all of `labels`, by the values of label `by`; zeros are left out.
    pub(super) fn by(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        by: &str,
    ) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for sample in self.0.iter().filter(|sample| sample.name == name) {
            let fits = |(label, value): &(&str, &str)| {
                sample
                    .labels
                    .get(*label)
                    .is_some_and(|found| found == value)
            };
            if let (Some(key), true) = (sample.labels.get(by), labels.iter().all(fits)) {
                *sums.entry(key.clone()).or_insert(0) += whole(sample.value);
            }
        }
        sums.retain(|_, sum| *sum > 0);
        sums
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and counters are whole"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// `name{label="value",…} number`, where the labels may be left out.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.trim_end().rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)?),
        None => (series, BTreeMap::new()),
    };
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

fn labels(mut text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.insert(name.trim_start_matches(',').to_owned(), value);
        text = rest.get(end + 1..)?;
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP checks_total Checks that ran
# TYPE checks_total counter
checks_total{route=\"a\",check=\"json\",outcome=\"pass\"} 12
checks_total{route=\"a\",check=\"json\",outcome=\"fail\"} 2
checks_total{route=\"a\",check=\"label\",outcome=\"fail\"} 3
checks_total{route=\"b\",check=\"label\",outcome=\"fail\"} 4e0
checks_total{route=\"a\",check=\"cost\",outcome=\"fail\"} 0
odd{route=\"x, \\\"y\\\" {z} \\\\\"} 1
plain 7.5
";

    #[test]
    fn samples_are_summed_by_a_label() {
        let scrape = Exposition::parse(TEXT);
        let check = |name: &str, labels: &[(&str, &str)], by: &str, expected: &[(&str, u64)]| {
            let found = scrape.by(name, labels, by);
            let found: Vec<_> = found
                .iter()
                .map(|(key, sum)| (key.as_str(), *sum))
                .collect();
            assert_eq!(found, expected, "{name} {labels:?} by {by}");
        };
        check(
            "checks_total",
            &[("route", "a"), ("outcome", "fail")],
            "check",
            &[("json", 2), ("label", 3)],
        );
        check("checks_total", &[], "route", &[("a", 17), ("b", 4)]);
        check("checks_total", &[("route", "c")], "check", &[]);
        check("odd", &[], "route", &[("x, \"y\" {z} \\", 1)]);
        check("plain", &[], "route", &[]);
        check("checks", &[], "route", &[]);
    }

    #[test]
    fn what_is_no_sample_is_left_out() {
        for line in [
            "",
            "x",
            "x{a=\"b} 1",
            "x{a=\"b\"",
            "x{a=\"b\"} much",
            "x{a=\"\\",
        ] {
            assert_eq!(Exposition::parse(line), Exposition::default(), "{line}");
        }
    }
}
