#!/usr/bin/env bash
# Three chats behind nginx, with Redis or NATS between them: people in one room are on different chats.
#
#   examples/cluster.sh            # uses the broker that is installed
#   examples/cluster.sh nats       # or: redis
#
# The programs PARLOR_REDIS_SERVER and PARLOR_NATS_SERVER, if set, are started instead of redis-server and nats-server.
# PORT is the port of nginx: 8080 by default, 0 for any. Ctrl-C stops everything.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
chats=()
others=()
stop() {
  trap - EXIT
  # Ctrl-C again does not interrupt this.
  trap '' INT TERM HUP
  # The chats end their sessions while the broker still runs.
  if ((${#chats[@]})); then
    kill -INT "${chats[@]}" 2>/dev/null || true
    wait "${chats[@]}" 2>/dev/null || true
  fi
  if ((${#others[@]})); then
    kill "${others[@]}" 2>/dev/null || true
    wait "${others[@]}" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

# Starts a command in a process group of its own: Ctrl-C in a terminal is for this script alone, which ends the chats
# before the broker. With job control off, the command would ignore SIGINT.
start() {
  set -m
  "$@" </dev/null &
  set +m
}

fail() {
  echo "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null; }

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# Waits at most 30 s until a command succeeds.
wait_for() {
  for _ in {1..300}; do
    if "${@:2}" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  cat "$folder"/*.log >&2 || true
  fail "$1 does not start"
}
is_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a log of a chat without its first lines, which say how to join it alone, each line with a name.
follow() {
  tail -n +4 -f "$folder/$2.log" > >(while IFS= read -r line; do echo "[$1] $line"; done) &
  others+=($!)
}

# The broker: by default the one that is installed, Redis if both are.
redis=${PARLOR_REDIS_SERVER:-redis-server}
if ! has "$redis" && has valkey-server; then redis=valkey-server; fi
nats=${PARLOR_NATS_SERVER:-nats-server}
broker=${1:-}
if [[ -z $broker ]]; then
  if has "$redis"; then broker=redis
  elif has "$nats"; then broker=nats
  elif has docker; then broker=redis
  else fail 'install redis-server, valkey-server, nats-server or docker'
  fi
fi
port=$(free_port)
case $broker in
  redis)
    image=redis:7
    if has "$redis"; then run=("$redis" --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$folder")
    else run=(docker run --rm --publish "127.0.0.1:$port:6379" "$image")
    fi
    url=redis://127.0.0.1:$port
    ;;
  nats)
    image=nats:2
    if has "$nats"; then run=("$nats" --addr 127.0.0.1 --port "$port")
    else run=(docker run --rm --publish "127.0.0.1:$port:4222" "$image")
    fi
    url=nats://127.0.0.1:$port
    ;;
  *) fail 'usage: examples/cluster.sh [redis|nats]' ;;
esac
has nginx || fail 'install nginx'
has "${run[0]}" || fail "install ${run[0]}"
if [[ ${run[0]} == docker ]] && ! docker image inspect "$image" >/dev/null 2>&1; then
  # Here, because a download may take longer than the wait for a start.
  docker pull "$image"
fi

echo "Building the chat with the feature $broker"
cargo build --quiet --package parlor-examples --example chat --features nats,redis
target=${CARGO_TARGET_DIR:-target}

start "${run[@]}" >"$folder/broker.log" 2>&1
others+=($!)
wait_for "${run[0]}" is_open "$port"
echo "Broker: $url (${run[0]})"

servers=()
for node in 1 2 3; do
  start env RUST_LOG="${RUST_LOG:-info}" NO_COLOR=1 \
    "$target/debug/examples/chat" --addr 127.0.0.1:0 "--$broker" "$url" >"$folder/node$node.log" 2>&1
  pid=$!
  chats+=("$pid")
  wait_for "chat $node" grep 'is at http' "$folder/node$node.log"
  server=$(sed -n 's|.*is at http://||p' "$folder/node$node.log")
  servers+=("server $server;")
  echo "Node $node: http://$server (pid $pid)"
  follow "node $node" "node$node"
done

front=${PORT:-8080}
if ((front == 0)); then front=$(free_port); fi
is_open "$front" && fail "port $front is in use: set another one, PORT=8081"
cat >"$folder/nginx.conf" <<CONFIG
daemon off;
# One worker: several would each have a turn of their own.
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 1000; }
http {
    access_log off;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    scgi_temp_path $folder/scgi;
    uwsgi_temp_path $folder/uwsgi;
    map \$http_upgrade \$connection_upgrade {
        default upgrade;
        ''      '';
    }
    # In turn, so without sticky sessions.
    upstream chats { ${servers[*]} }
    server {
        listen 127.0.0.1:$front;
        location / {
            proxy_pass http://chats;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
            proxy_set_header Host \$http_host;
            proxy_read_timeout 60s;
            add_header X-Served-By \$upstream_addr always;
        }
    }
}
CONFIG
start nginx -e stderr -p "$folder" -c "$folder/nginx.conf" 2>"$folder/nginx-start.log"
others+=($!)
wait_for nginx is_open "$front"

cat <<TEXT

The cluster is at http://127.0.0.1:$front
- Open it in two tabs with different names. The lines below say on which node each one is.
- Join from a terminal:
  $target/debug/examples/chat join general --name ada --url ws://127.0.0.1:$front/api/chat/wsChat
- Kill a node with kill -9 and its pid: its clients reconnect to another one.
- Ctrl-C stops everything.

TEXT
wait
