#!/bin/sh
# Codex does a whole task with its own tools: it writes a file, looks at it by two commands and tells what it saw.
set -eu
PATH="$(dirname "$NODE"):$PATH"
home="$(mktemp -d)"
trap 'rm -rf "$home"' EXIT
mkdir "$home/.codex"
for model in agent native-agent text-agent; do
  work="$home/$model"
  mkdir "$work"
  cat > "$home/.codex/config.toml" <<TOML
model = "$model"
model_provider = "sagewire"
[model_providers.sagewire]
name = "sagewire"
base_url = "$PROXY_URL/v1"
wire_api = "responses"
env_key = "PROXY_KEY"
TOML
  # Its own sandbox needs rights that a container may not have; the commands are the emulator's.
  (cd "$work" && HOME="$home" "$NODE_PATH/.bin/codex" exec --skip-git-repo-check --sandbox danger-full-access \
    --json 'Write a greeting into a file, look at it, and tell me what you saw.' < /dev/null) > "$home/out" 2> "$home/err" ||
    { cat "$home/out" "$home/err"; exit 1; }
  [ "$(cat "$work/greeting.txt")" = 'hello from sagewire' ]
  # It shows summaries of thoughts alone, which the container's own answers do not have.
  thoughts='"type":"reasoning"'
  [ "$model" != native-agent ] || thoughts=''
  for said in "$thoughts" '"aggregated_output":"hello from sagewire' '"aggregated_output":"20 greeting.txt' \
    'Done. The tools said' '"type":"turn.completed"'; do
    grep -qF "$said" "$home/out" || { echo "$model: no $said"; cat "$home/out" "$home/err"; exit 1; }
  done
  if grep -qE '"type":"turn.failed"|stream disconnected' "$home/out"; then cat "$home/out"; exit 1; fi
done
