# What the scripts of single engines share. They get a new folder, and print what the tests need to know of the engine;
# the session they run in is ended by others (sessions.sh), so they may fail anywhere.
set -euo pipefail
home=$1
echo $$ >"$home/session"
mkdir "$home/log"
trap '[ $? = 0 ] || tail -n 8 "$home"/log/* >&2' EXIT

# free_ports COUNT: ports nobody listens on now, of those the kernel gives to no outgoing connection. Somebody may still be
# faster than the daemon, so whoever uses one has to look whether the daemon that answers there is its own.
free_ports() {
  local port found=0
  for port in $(shuf -n 200 -i 20000-32000); do
    if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
    echo "$port"
    found=$((found + 1))
    [ "$found" -lt "$1" ] || return 0
  done
  return 1
}

# step NAME COMMAND…: a command that has to end well, within a limit.
step() {
  local name=$1 limit=90 status=0
  shift
  timeout --kill-after=5 "$limit" "$@" >>"$home/log/$name" 2>&1 </dev/null || status=$?
  case $status in
    0) ;;
    124 | 137) echo "$name did not end within $limit s." >&2; return 1 ;;
    *) echo "$name ended with exit code $status." >&2; return 1 ;;
  esac
}

declare -A daemons=()
# daemon NAME COMMAND…: starts a command that stays; its process is ${daemons[NAME]}.
daemon() {
  local name=$1
  shift
  "$@" >>"$home/log/$name" 2>&1 </dev/null &
  daemons[$name]=$!
}

# wait_for WHAT COMMAND…: until the command succeeds. Ends early when a daemon has ended.
wait_for() {
  local what=$1 limit=90 started=$SECONDS name
  shift
  until timeout 10 "$@" >/dev/null 2>&1; do
    for name in "${!daemons[@]}"; do
      if ! kill -0 "${daemons[$name]}" 2>/dev/null; then
        echo "$name ended within $((SECONDS - started)) s of waiting for $what." >&2
        return 1
      fi
    done
    if [ $((SECONDS - started)) -ge "$limit" ]; then
      echo "Waited $limit s for $what." >&2
      return 1
    fi
    sleep 0.1
  done
}
