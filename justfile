# Each recipe calls a script: `.ci/run` has the steps of a change, `.ci/clients` the tests with programs by others.

# Lists the recipes.
default:
    @just --list

# Everything that must hold before a change lands, or the steps named: `just check lints tests`.
check *steps:
    .ci/run {{ steps }}

# Rewrites the sources as rustfmt wants them.
fmt:
    cargo fmt --all

# The order of the layers.
layers: (check "layers")

# The minimum Rust version of each crate against its dependencies.
msrv: (check "msrv")

# Clippy with warnings as errors.
lints: (check "lints")

# rustdoc with warnings as errors.
documentation: (check "documentation")

# The README's test command, on a PATH where programs by others fail.
tests: (check "tests")

# Tests with boto3 and the OpenAI package, prepared.
pinned-clients: (check "clients")

# Tests with further programs by others, or the groups named: `just clients node curl`.
clients *groups:
    .ci/clients {{ groups }}

# What takes longer: long random runs, fuzzing, dependencies.
soak:
    .ci/soak
