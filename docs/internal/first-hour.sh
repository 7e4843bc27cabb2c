#!/usr/bin/env bash
# A new user's first hour, timed: from a clone to the first streamed answer, three ways. Prints a table for docs/internal/first-hour.md.
#   docs/internal/first-hour.sh [FOLDER]    works in FOLDER (default: a new one below /tmp), from a clone of the branch at hand
# Needs git, cargo, curl. It leaves nothing running; the folder stays, to be looked at.
# Backticks in the tables are Markdown.
# shellcheck disable=SC2016
set -euo pipefail
project="$(cd "$(dirname "$0")/../.." && pwd)"
work="${1:-$(mktemp -d /tmp/first-hour.XXXXXX)}"
mkdir -p "$work"
unset CARGO_TARGET_DIR AWS_PROFILE AWS_SESSION_TOKEN
servers=()
stop() { for server in "${servers[@]:-}"; do if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; done; }
trap stop EXIT

total=0
part() { printf '\n### %s\n\n| step | seconds |\n|---|---|\n' "$1"; total=0; }
# Runs a step with its output in a file, and prints what it was called and how long it took.
step() {
  local name="$1" began ended; shift
  began="$(date +%s.%N)"
  if ! "$@" >"$work/last.out" 2>"$work/last.err"; then
    printf '| `%s` | failed |\n' "$name"; cat "$work/last.out" "$work/last.err" >&2; exit 1
  fi
  ended="$(date +%s.%N)"
  printf '| `%s` | %s |\n' "$name" "$(echo "$ended $began" | awk '{printf "%.1f", $1 - $2}')"
  total="$(echo "$total $ended $began" | awk '{printf "%.1f", $1 + $2 - $3}')"
}
done_in() { printf '| **the first streamed answer** | **%s** |\n' "$total"; }
# Starts a server, whose first line of output is its address.
serve() {
  local out="$work/$1.out"; shift
  "$@" >"$out" 2>"$out.err" &
  servers+=("$!")
  until [ -s "$out" ]; do
    if ! kill -0 "$!" 2>/dev/null; then cat "$out.err" >&2; return 1; fi
    sleep 0.05
  done
}
address() { head -n 1 "$work/$1.out"; }

echo "Load when it began: $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || uptime), $(getconf _NPROCESSORS_ONLN) processors, $(rustc --version)."

part 'The demo'
step "git clone sagewire" git clone --quiet "$project" "$work/sagewire"
cd "$work/sagewire"
step "cargo fetch (the downloads)" cargo fetch --locked
step "cargo run -- demo --once" cargo run --locked --quiet -- demo --once
grep -q 'chunks' "$work/last.out"
done_in
sagewire="$work/sagewire/target/debug/sagewire"

part 'Your own program'
cd "$work"
rm -rf hello
step "cargo new hello" cargo new --quiet --edition 2024 hello
cd hello
step "cargo add" bash -c 'cargo add --quiet --path ../sagewire/crates/sagewire && cargo add --quiet futures-util && cargo add --quiet tokio --features macros,rt-multi-thread'
# The program of docs/get-started.md, word for word.
step "the program of the page" bash -c "awk '/^\`\`\`rust,no_run/{on=1; next} /^\`\`\`/{on=0} on' '$work/sagewire/docs/get-started.md' > src/main.rs"
serve emulate "$sagewire" emulate --port 0
AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME="$(address emulate)"
export AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
step "cargo run" cargo run --quiet
test -s "$work/last.out"
done_in

part 'The proxy with your own file'
cd "$work"
step "config.yaml of the page" bash -c "awk '/^\`\`\`yaml/{on=1; next} /^\`\`\`/{on=0} on' '$work/sagewire/docs/get-started.md' > config.yaml"
step "sagewire check --config config.yaml" "$sagewire" check --config config.yaml
step "sagewire serve --config config.yaml" serve proxy "$sagewire" serve --config config.yaml --host 127.0.0.1 --port 0
step "curl ... \"stream\": true" curl --silent --show-error --fail-with-body -N "$(address proxy)/v1/chat/completions" -H 'content-type: application/json' \
  -d '{"model": "llama", "messages": [{"role": "user", "content": "What is a llama?"}], "stream": true}'
grep -q '\[DONE\]' "$work/last.out"
done_in
printf '\nLoad when it ended: %s.\n' "$(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || uptime)"
