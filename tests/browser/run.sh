#!/usr/bin/env bash
# Walks the dashboard's story against the release binary: its own ports, its own data directory, gone afterwards.
set -eu
cd "$(dirname "$0")/../.."
binary=target/release/trustfold
[ -x "$binary" ] || { echo "browser: $binary is missing; run: cargo build --release --locked" >&2; exit 3; }
chromium=${CHROMIUM:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "browser: no Chromium at $chromium; run: apt-get install chromium" >&2; exit 3; }

data=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; }
  rm -rf "$data"
}
trap finish EXIT

mkfifo "$data/out"
"$binary" run --data-dir "$data/data" --listen 127.0.0.1:0 --syslog 127.0.0.1:0 >"$data/out" 2>"$data/console" &
server=$!
url='' link=''
while read -r line; do
  case "$line" in
    web*http*) url=${line##* } ;;
    *'#link='*) link=${line##* }; break ;;
  esac
done <"$data/out"
if [ -z "$link" ]; then
  echo "browser: the server did not start:" >&2
  cat "$data/console" >&2
  exit 1
fi
TRUSTFOLD_URL=$url TRUSTFOLD_LINK=$link TRUSTFOLD_TOKEN=$(cat "$data/data/admin-token") CHROMIUM=$chromium \
  node tests/browser/story.mjs
