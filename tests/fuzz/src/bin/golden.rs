//! The target `golden` as a program of libFuzzer; see the library for what it holds.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| crossfade_fuzz::golden(input));
