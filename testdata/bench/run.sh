#!/usr/bin/env bash
# run.sh [ROUNDS] [cells-regex]
# Starts a moonwire server and the bare limit of this machine on free loopback
# ports, measures both by turns with bench.py, and prints a Markdown table
# (also in out/table.md; every run is in out/results.jsonl).
#   MOONWIRE=path  the binary to measure (default: bin/moonwire of this tree)
#   QUIET=seconds  how long to wait for other programs to rest before each run
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
moonwire=$(realpath "${MOONWIRE:-$here/../../bin/moonwire}")
rounds=${1:-3} cells=${2:-.}
called=5090 # the contract names it

for tool in sipp python3 gcc; do
  command -v $tool >/dev/null || { echo "run.sh: $tool is missing (Debian: sip-tester python3 gcc)" >&2; exit 2; }
done
[ -x "$moonwire" ] || { echo "run.sh: no $moonwire; run make build first, or set MOONWIRE" >&2; exit 2; }
[ "$here/rtptool" -nt "$here/rtptool.c" ] || gcc -O2 -o "$here/rtptool" "$here/rtptool.c" -lpthread -lm
[ "$here/calib" -nt "$here/calib.c" ] || gcc -O2 -o "$here/calib" "$here/calib.c"

work=$(mktemp -d)
server=''
limit=''
stop() { # stop PID: end it and wait until it is gone
  [ -z "$1" ] || { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null; } || true
}
trap 'stop "$server"; stop "$limit"; rm -rf "$work"' EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

await() { # await PID PORT: until the port answers OPTIONS
  python3 - "$1" "$2" <<'PYTHON'
import os, socket, sys, time
pid, port = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0)); s.settimeout(0.2)
me = "127.0.0.1:%d" % s.getsockname()[1]
for n in range(100):
    try: os.kill(pid, 0)
    except OSError: sys.exit("run.sh: the server ended; see above")
    s.sendto((f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{n}\r\nFrom: <sip:r@{me}>;tag=1\r\n"
              f"To: <sip:127.0.0.1:{port}>\r\nCall-ID: {n}@{me}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), ("127.0.0.1", port))
    try: s.recv(4096); sys.exit(0)
    except OSError: time.sleep(0.05)
sys.exit("run.sh: no answer on port %d" % port)
PYTHON
}

start_server() {
  rm -rf "$work/site"
  "$moonwire" new "$work/site" --template bench >/dev/null
  port=$(free_port)
  "$moonwire" serve "$work/site" --sip "udp:127.0.0.1:$port" --rtp 10000-20000 --http off --log-level warn >"$work/server.log" 2>&1 &
  server=$!
  await $server "$port" || { cat "$work/server.log" >&2; exit 1; }
}

start_limit() {
  limit_port=$(free_port)
  "$moonwire" bench bare --server "127.0.0.1:$limit_port" --called "127.0.0.1:$called" >"$work/limit.log" 2>&1 &
  limit=$!
  await $limit "$limit_port" || { cat "$work/limit.log" >&2; exit 1; }
}

measure() { # measure CELL PEER PID PORT TEST ARGUMENTS...
  local cell=$1 peer=$2 pid=$3 at=$4 test=$5
  shift 5
  echo "$cell $peer" >&2
  timeout 300 python3 "$here/bench.py" "$test" --label "cmp:$cell:$peer" --pid "$pid" --addr "127.0.0.1:$at" --quietmax "${QUIET:-10}" "$@" >/dev/null
}

mkdir -p "$here/out"
[ ! -e "$here/out/results.jsonl" ] || mv "$here/out/results.jsonl" "$here/out/results-$(date +%Y%m%d-%H%M%S).jsonl"

start_server # fresh, for its memory
start_limit
if [[ mem =~ $cells ]]; then
  measure idle moonwire $server "$port" idle --secs 10
  measure mem moonwire $server "$port" mem --ext 1000 --n 300 --ramp 50 --secs 3
fi
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  # The limit ends by itself when nothing has come for two minutes.
  kill -0 "$limit" 2>/dev/null || start_limit
  printf '{"moonwire": ["127.0.0.1:%s", "%s", "%s"], "bare": ["127.0.0.1:%s", "%s"]}\n' "$port" $server "$work/server.log" "$limit_port" $limit >"$work/peers.json"
  PEERS="$work/peers.json" python3 "$here/compare.py" 1 "$cells"
done
if [[ cpsmax =~ $cells ]]; then
  measure cpsmax moonwire $server "$port" cpsmax --ext 1000 --rates 200,500,1000,1500,2000,2500,3000 --secs 5
fi
failures=$(grep -c ERROR "$work/server.log" || true)
if [ "$failures" -gt 0 ]; then
  echo "run.sh: the server logged $failures errors; the last:" >&2
  grep ERROR "$work/server.log" | tail -3 >&2
fi
python3 "$here/table.py" | tee "$here/out/table.md"
