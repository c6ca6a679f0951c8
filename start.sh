#!/usr/bin/env bash
# Builds what is not built yet, then runs trustfold: ./start.sh [--demo] [--background] [--data-dir DIR] …
# The flags are those of `trustfold run`; ./start.sh --help lists them.
set -eu

from=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
binary=${CARGO_TARGET_DIR:-target}/release/trustfold

say() { printf '%s\n' "$*" >&2; }

# What has to be built. The dashboard comes first: cargo embeds it in the binary.

page=web/dist/index.html
dashboard_is_old() {
    [ ! -f "$page" ] || [ -n "$(find web/src web/public web/index.html web/package.json web/package-lock.json \
        web/tsconfig.json web/vite.config.ts -newer "$page" -print -quit)" ]
}
binary_is_old() {
    [ ! -x "$binary" ] || [ -n "$(find Cargo.toml Cargo.lock pipeline ./*/src ./*/Cargo.toml web/api web/dist \
        -newer "$binary" -type f -print -quit)" ]
}
build_dashboard=false
if dashboard_is_old; then build_dashboard=true; fi

# The tools for it, all that are missing named at once.

missing=false
lacks() { # tool, command on Debian, hint elsewhere
    missing=true
    say "start.sh: $1 is missing."
    say "    Debian, Ubuntu: $2"
    say "    elsewhere:      $3"
}
# rustup is not on every PATH that has it.
if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
rust_needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
get_rust="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"
if ! command -v cargo >/dev/null; then
    lacks "cargo (Rust 1.$rust_needed or newer)" "$get_rust" "see https://rustup.rs"
else
    rust_found=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    if [ "${rust_found:-0}" -lt "$rust_needed" ]; then
        lacks "Rust 1.$rust_needed or newer (this is $(cargo --version))" \
            "rustup update stable, or without rustup: $get_rust" "rustup update stable"
    fi
fi
if ! command -v cc >/dev/null; then
    lacks "a C compiler (cc)" "sudo apt-get install -y build-essential" "install gcc or clang (macOS: xcode-select --install)"
fi
if $build_dashboard; then
    # As web/package.json asks: 20.19 or newer of 20, or 22.12 or newer.
    node_serves='const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
    if ! command -v node >/dev/null || ! node -e "$node_serves"; then
        lacks "Node.js 20.19 or newer" \
            "curl -fsSL https://deb.nodesource.com/setup_22.x | sudo -E bash - && sudo apt-get install -y nodejs" \
            "see https://nodejs.org/en/download"
    fi
    if ! command -v npm >/dev/null; then
        lacks "npm" "sudo apt-get install -y npm" "it comes with Node.js"
    fi
fi
if $missing; then exit 3; fi

failed() {
    say "start.sh: $1 could not be built; what went wrong stands above."
    exit 3
}
if $build_dashboard; then
    say "Building the dashboard."
    if [ web/package-lock.json -nt web/node_modules/.package-lock.json ]; then
        (cd web && npm ci --no-audit --no-fund) >&2 || failed "the dashboard"
    fi
    (cd web && npm run --silent build) >&2 || failed "the dashboard"
fi
quiet=--quiet
if binary_is_old; then
    quiet=
    if [ ! -x "$binary" ]; then say "Building trustfold. The first time takes some minutes."; fi
fi
# Cargo decides what is to be done; where nothing seems to be, it is only told not to say so.
cargo build --release --locked ${quiet:+"$quiet"} || failed "trustfold"

# Run in the project's folder, so that data/ and config/ are found. Paths that were given keep their meaning.

absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s' "$from/$1" ;; esac; }
flags=()
while [ $# -gt 0 ]; do
    case $1 in
        --config | --data-dir)
            flags+=("$1")
            if [ $# -gt 1 ]; then
                shift
                flags+=("$(absolute "$1")")
            fi
            ;;
        --config=* | --data-dir=*) flags+=("${1%%=*}=$(absolute "${1#*=}")") ;;
        *) flags+=("$1") ;;
    esac
    shift
done
exec "$binary" run ${flags[@]+"${flags[@]}"}
