#!/usr/bin/env bash
# Stops the trustfold that runs on a data directory: ./stop.sh [--data-dir DIR]
# It takes what has arrived, answers its senders, and ends. Not running is no error.
set -eu

patience_secs=30
say() { printf '%s\n' "$*"; }
usage() {
    printf 'stop.sh: %s\nusage: ./stop.sh [--data-dir DIR]\n' "$1" >&2
    exit 3
}

from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
dir=${TRUSTFOLD__DATA_DIR:-data}
while [ $# -gt 0 ]; do
    case $1 in
        --data-dir)
            [ $# -gt 1 ] || usage "--data-dir needs a directory"
            shift
            dir=$1
            case $dir in /*) ;; *) dir=$from/$dir ;; esac
            ;;
        --data-dir=*)
            dir=${1#*=}
            case $dir in /*) ;; *) dir=$from/$dir ;; esac
            ;;
        -h | --help)
            sed -n '2,3s/^# //p' stop.sh
            exit 0
            ;;
        *) usage "unknown option \"$1\"" ;;
    esac
    shift
done
pid_file=$dir/trustfold.pid

# A process that has ended but was not waited for yet has ended all the same.
state() { sed -n 's/^[0-9]* (.*) \([A-Z]\).*/\1/p' "/proc/$1/stat" 2>/dev/null || true; }
alive() {
    kill -0 "$1" 2>/dev/null || { [ -d "/proc/$1" ] || return 1; }
    [ "$(state "$1")" != Z ]
}
# The number may have gone to another program since. A binary that was built anew while it ran is "(deleted)".
is_ours() {
    local program
    program=$(readlink "/proc/$1/exe" 2>/dev/null || ps -p "$1" -o comm= 2>/dev/null || true)
    program=${program% (deleted)}
    [ "${program##*/}" = trustfold ]
}

if [ ! -f "$pid_file" ]; then
    say "trustfold is not running on $dir."
    exit 0
fi
pid=$(tr -dc '0-9' <"$pid_file")
if [ -z "$pid" ] || ! alive "$pid" || ! is_ours "$pid"; then
    rm -f "$pid_file"
    say "trustfold is not running on $dir; a pid file that was left over is removed."
    exit 0
fi
if ! kill -TERM "$pid" 2>/dev/null && alive "$pid"; then
    printf 'stop.sh: process %s belongs to another user; stop it as that user.\n' "$pid" >&2
    exit 3
fi

printf 'Stopping trustfold (process %s): it takes what has arrived, then ends ' "$pid"
tenths=0
while alive "$pid"; do
    if [ "$tenths" -ge $((patience_secs * 10)) ]; then
        printf '\n'
        printf 'stop.sh: it is still at work after %s s and goes on; %s/logs/trustfold.log says with what.\n' "$patience_secs" "$dir" >&2
        printf 'Run ./stop.sh again to wait on. kill -9 %s ends it at once; nothing acknowledged is lost by that.\n' "$pid" >&2
        exit 4
    fi
    if [ $((tenths % 10)) -eq 9 ]; then printf '.'; fi
    sleep 0.1
    tenths=$((tenths + 1))
done
printf '\n'
# It removes the file itself, unless it was ended by force.
rm -f "$pid_file"
say "Stopped."
