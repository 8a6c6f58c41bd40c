#!/bin/sh
# Stands before rustc for the workspace's own crates, and has them count which edges of the code an input takes. The
# flags are those of the stable compiler; no sanitizer is used, as the crates have no unsafe code.
exec "$@" \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
