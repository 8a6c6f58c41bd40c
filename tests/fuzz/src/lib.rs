//! What must hold for any input, as fuzz targets: functions of bytes that panic where it does not hold.
//!
//! `cargo xtask fuzz` runs them under libFuzzer; this crate's tests run them over seeded random input.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target tells of a fault by a panic, and reads what it made itself"
)]

mod answers;
mod comparison;
mod golden;
mod kept;
mod make;
mod requests;
mod wire;

pub use answers::answers;
pub use comparison::comparison;
pub use golden::golden;
pub use kept::kept;
pub use requests::requests;
pub use wire::wire;

/// Models of families with different rules.
const MODELS: &[&str] = &[
    "us.anthropic.claude-sonnet-4-6",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "us.amazon.nova-pro-v1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "openai.gpt-oss-120b-1:0",
];

#[cfg(test)]
mod tests {
    use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

    /// Runs a target over random input: enough to see that it runs, and to find what is shallow.
    fn run(target: fn(&[u8]), inputs: usize) {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..inputs {
            let mut input = vec![0; random.random_range(0..2048)];
            random.fill_bytes(&mut input);
            target(&input);
        }
    }

    #[test]
    fn any_request_is_translated_or_refused_by_name() {
        run(super::requests, 2000);
    }

    #[test]
    fn any_answer_is_the_same_however_it_is_cut() {
        run(super::answers, 2000);
    }

    #[test]
    fn any_pair_gets_a_verdict() {
        run(super::comparison, 2000);
    }

    #[test]
    fn any_golden_set_is_read_or_refused() {
        run(super::golden, 2000);
    }

    #[test]
    fn what_is_to_be_kept_is_redacted() {
        run(super::kept, 500);
    }

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut() {
        run(super::wire, 2000);
    }
}
