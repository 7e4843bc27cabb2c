# LiteLLM's documented curl call, with a key; then the same as a stream. `CURL` is the program.
set -eu

answer="$("$CURL" --silent --show-error --fail-with-body --location "$PROXY_URL/chat/completions" \
--header 'Content-Type: application/json' \
--header "Authorization: Bearer $PROXY_KEY" \
--data ' {
      "model": "text",
      "messages": [
        {
          "role": "user",
          "content": "what llm are you"
        }
      ]
    }
')"
echo "$answer" | grep -q '"object":"chat.completion"'

stream="$("$CURL" -N --silent --show-error --fail-with-body "$PROXY_URL/v1/chat/completions" -H "x-api-key: $PROXY_KEY" \
  -d '{"model": "chat", "stream": true, "messages": [{"role": "user", "content": "hi"}]}')"
echo "$stream" | grep -q '^data: {"id"'
[ "$(echo "$stream" | grep -v '^$' | tail -n 1)" = 'data: [DONE]' ]

# Without a key: 401, and a sentence that says what to do.
refusal="$("$CURL" --silent --write-out '\n%{http_code}' "$PROXY_URL/v1/models")"
echo "$refusal" | grep -q 'Authorization: Bearer'
[ "$(echo "$refusal" | tail -n 1)" = 401 ]

# HTTP/2 on the same port.
[ "$("$CURL" --silent --http2-prior-knowledge --output /dev/null --write-out '%{http_version}' "$PROXY_URL/health/liveliness")" = 2 ]
