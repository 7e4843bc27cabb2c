#!/bin/sh
# Claude Code does a whole task with its own tools: it writes a file, looks at it by two commands and tells what it saw.
set -eu
PATH="$(dirname "$NODE"):$PATH"
home="$(mktemp -d)"
trap 'rm -rf "$home"' EXIT
for model in agent native-agent text-agent; do
  work="$home/$model"
  mkdir "$work"
  (cd "$work" && HOME="$home" ANTHROPIC_BASE_URL="$PROXY_URL" ANTHROPIC_AUTH_TOKEN="$PROXY_KEY" \
    ANTHROPIC_MODEL="$model" ANTHROPIC_SMALL_FAST_MODEL="$model" \
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_TELEMETRY=1 DISABLE_AUTOUPDATER=1 \
    "$NODE_PATH/.bin/claude" -p 'Write a greeting into a file, look at it, and tell me what you saw.' \
    --output-format json --allowedTools Bash Write < /dev/null) > "$home/out" 2> "$home/err" ||
    { cat "$home/out" "$home/err"; exit 1; }
  [ "$(cat "$work/greeting.txt")" = 'hello from sagewire' ]
  for said in '"subtype":"success"' '"is_error":false' 'Done. The tools said' '20 greeting.txt' 'hello from sagewire' \
    '"permission_denials":[]'; do
    grep -qF "$said" "$home/out" || { echo "$model: no $said"; cat "$home/out" "$home/err"; exit 1; }
  done
done
