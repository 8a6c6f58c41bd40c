//! The program under test, as a binary of this package: only such a one can be spawned by its tests.

fn main() -> std::process::ExitCode {
    crossfade::main()
}
