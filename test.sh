#!/usr/bin/env bash
# Runs every check and test, or those that are named: ./test.sh [fmt] [lint] [doc] [test] [web] [build] [browser]
# Goes on after a failure, so that one run shows them all; ends with "N passed, N failed", and with 1 if any failed.
set -u

cd "$(dirname "${BASH_SOURCE[0]}")" || exit 3
if [ -z "${TRUSTFOLD_TESTDATA:-}" ] && [ -d ../shared/data ]; then
    TRUSTFOLD_TESTDATA=$(cd ../shared/data && pwd)
    export TRUSTFOLD_TESTDATA
fi
if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi

parts="fmt lint doc test web build browser"
wanted=${*:-$parts}
for part in $wanted; do
    case " $parts " in
        *" $part "*) ;;
        *)
            printf 'test.sh: there is no part "%s"; there are: %s\n' "$part" "$parts" >&2
            exit 3
            ;;
    esac
done

passed=0
failed=0
summary=
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

note() { summary="$summary$(printf '  %-34s %s' "$1" "$2")"$'\n'; }

# Counts what a step's log says: so many passed, so many failed. A step that failed without saying how many is one failure.
count() { # name, exit code, passed, failed
    local name=$1 code=$2 ok=$3 bad=$4
    if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ "$bad" -gt 0 ]; then
        note "$name" "FAILED ($ok passed, $bad failed)"
    elif [ "$ok" -gt 0 ]; then
        note "$name" "$ok passed"
    else
        note "$name" "ok"
    fi
}

# Tests of which none passed and none failed did not run.
count_tests() {
    if [ "$3" -eq 0 ]; then count "$1" 1 "$3" "$4"; else count "$@"; fi
}

run() { # name, command…: its output is shown and kept in $logs/last; its exit code is answered
    printf '\n== %s\n' "$1"
    shift
    "$@" </dev/null 2>&1 | tee "$logs/last"
    return "${PIPESTATUS[0]}"
}

# A check that is no test: it can fail, and then counts as one failure, but adds nothing to what passed.
check() { # name, command…
    run "$@"
    count "$1" $? 0 0
}

in_web() { (cd web && "$@"); }

sum() { # pattern with one group, a number: the sum over all lines of the last log
    sed -n -E "s/$1/\\1/p" "$logs/last" | awk '{ n += $1 } END { print n + 0 }'
}

web_modules() {
    if [ web/package-lock.json -nt web/node_modules/.package-lock.json ]; then
        check "npm ci" in_web npm ci --no-audit --no-fund
    fi
}

# The one program that the tests need and that neither cargo nor npm brings.
browser_there() {
    if [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ]; then return; fi
    if [ ! -f /etc/debian_version ]; then
        printf 'test.sh: no /usr/bin/chromium; install it, or name another in CHROMIUM.\n' >&2
        return
    fi
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then sudo="sudo -n"; fi
    check "install chromium" sh -c "$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium"
}

# The dashboard is in the binary, so it is built before it.
part_fmt() { check "cargo fmt" cargo fmt --all --check; }

part_lint() { check "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings; }

part_doc() { RUSTDOCFLAGS="-D warnings" check "rustdoc" cargo doc --workspace --no-deps --locked; }

part_test() {
    run "cargo test" cargo test --workspace --locked --no-fail-fast
    count_tests "cargo test" $? "$(sum '^test result: .* ([0-9]+) passed; .*')" "$(sum '^test result: .* ([0-9]+) failed; .*')"
    local ignored
    ignored=$(sum '^test result: .* ([0-9]+) ignored; .*')
    if [ "$ignored" -gt 0 ]; then note "cargo test, not run" "$ignored ignored"; fi
}

part_web() {
    web_modules
    check "dashboard lint" in_web npm run --silent lint
    NO_COLOR=1 run "dashboard tests" in_web npm run --silent test
    count_tests "dashboard tests" $? "$(sum '^ *Tests .*[^0-9]([0-9]+) passed.*')" "$(sum '^ *Tests .*[^0-9]([0-9]+) failed.*')"
    check "dashboard build" in_web npm run --silent build
}

part_build() { check "cargo build --release" cargo build --release --locked; }

part_browser() {
    if [ ! -f tests/browser/run.sh ]; then
        note "browser" "not run: there is no tests/browser/run.sh"
        return
    fi
    web_modules
    browser_there
    run "browser" bash tests/browser/run.sh
    local code=$?
    count "browser" "$code" $((code == 0)) 0
}

began=$SECONDS
for part in $wanted; do "part_$part"; done

printf '\n== summary (%d min %d s)\n%s' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) "$summary"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
