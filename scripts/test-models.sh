#!/usr/bin/env bash
# Runs the tests that talk to a real chat model. Opt-in, because they need a running server and take minutes:
#
#   IBID_TEST_CHAT_URL=http://127.0.0.1:8080/v1 scripts/test-models.sh
#
# IBID_TEST_CHAT_URL       the base address of an OpenAI-compatible server (llama.cpp's llama-server, vLLM, a hosted
#                          one), or of Ollama: http://127.0.0.1:11434
# IBID_TEST_CHAT_MODEL     the model's name there ("default" where the server has only one)
# IBID_TEST_CHAT_PROVIDER  openai (the default) or ollama
# IBID_TEST_CHAT_KEY       the api key, where one is needed
# IBID_TEST_EMBED_URL, IBID_TEST_EMBED_MODEL
#                          the same for embeddings; without them that test is skipped
#
# A server with a small model, to have one (llama.cpp; any instruct model as GGUF will do):
#   llama-server -m MODEL.gguf -c 2048 --port 8080
#   llama-server -m MODEL.gguf -c 1024 --port 8081 --embeddings --pooling mean
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${IBID_TEST_CHAT_URL:-}" ]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
  echo "test-models: IBID_TEST_CHAT_URL is not set; nothing was tested" >&2
  exit 2
fi
if ! curl --silent --max-time 10 --output /dev/null "$IBID_TEST_CHAT_URL"; then
  echo "test-models: nothing answers at $IBID_TEST_CHAT_URL" >&2
  exit 1
fi
cargo test --locked --package ibid-model --test real_chat -- --nocapture --test-threads=1
