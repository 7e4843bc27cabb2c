#!/bin/sh
# opencode does a whole task with its own tools: it writes a file, looks at it by two commands and tells what it saw.
set -eu
PATH="$(dirname "$NODE"):$PATH"
home="$(mktemp -d)"
trap 'rm -rf "$home"' EXIT
mkdir -p "$home/.config/opencode"
cat > "$home/.config/opencode/opencode.json" <<JSON
{
  "provider": {
    "sagewire": {
      "npm": "@ai-sdk/openai-compatible",
      "options": {"baseURL": "$PROXY_URL/v1", "apiKey": "{env:PROXY_KEY}"},
      "models": {"agent": {}, "native-agent": {}, "text-agent": {}}
    }
  },
  "small_model": "sagewire/agent"
}
JSON
for model in agent native-agent text-agent; do
  work="$home/$model"
  mkdir "$work"
  # It fetches nothing: no list of models, no update, no language server and no plugin.
  (cd "$work" && HOME="$home" OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_AUTOUPDATE=1 OPENCODE_DISABLE_LSP_DOWNLOAD=1 \
    OPENCODE_DISABLE_DEFAULT_PLUGINS=1 "$NODE_PATH/.bin/opencode" run --model "sagewire/$model" --format json \
    'Write a greeting into a file, look at it, and tell me what you saw.' < /dev/null) > "$home/out" 2> "$home/err" ||
    { cat "$home/out" "$home/err"; exit 1; }
  [ "$(cat "$work/greeting.txt")" = 'hello from sagewire' ]
  for said in '"output":"hello from sagewire' '"output":"20 greeting.txt' 'Done. The tools said' '"reason":"stop"'; do
    grep -qF "$said" "$home/out" || { echo "$model: no $said"; cat "$home/out" "$home/err"; exit 1; }
  done
  if grep -qF '"type":"error"' "$home/out"; then cat "$home/out"; exit 1; fi
done
