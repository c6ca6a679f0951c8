# The commands that CI runs are the ones that you run: each recipe below `check` is a part of test.sh.

# List the recipes.
default:
    @just --list

# Build what is not built yet, and run: `just run --demo`.
run *flags:
    ./start.sh {{flags}}

# Stop the server that runs in the background.
stop *flags:
    ./stop.sh {{flags}}

# Everything that CI runs.
check:
    ./test.sh

# Is the Rust code formatted?
fmt:
    ./test.sh fmt

# Clippy over the workspace and all its targets; a warning is an error.
lint:
    ./test.sh lint

# Build the API documentation; a warning is an error.
doc:
    ./test.sh doc

# All Rust tests.
test:
    ./test.sh test

# Check, test and build the dashboard.
web:
    ./test.sh web

# The release binary, with the dashboard in it.
build:
    ./test.sh build

# The whole story in a real Chromium against the release binary.
browser:
    ./test.sh browser

# Do the files and links that the documents name exist?
docs-check:
    cargo test --locked --test docs

# Lint the shell scripts.
shell:
    shellcheck start.sh stop.sh test.sh .ci/run

# Write the reference of all settings from their types.
reference: build
    target/release/trustfold config-reference > config/REFERENCE.md

# Generate the reference workload: 2,000,000 labelled events of 20 days.
bench-data: build
    mkdir -p target/bench
    test -f target/bench/events.ndjson || target/release/trustfold generate --seed 42 --events 2000000 --entities 10000 --span-hours 480 --anomaly 0.005 --out target/bench/events.ndjson --labels target/bench/labels.csv

# Score that workload on one worker: events for each CPU second.
bench-score: bench-data
    target/release/trustfold score target/bench/events.ndjson --train-first 100000 --workers 1
