# Each try to start an engine runs in a session of its own: the script that starts it, what that calls, and the daemons.
# The leader writes the session's number to <home>/session before all else, so that one way ends them all, however far they got.

# begin COMMAND…: runs the command as the leader of a new session, and waits for it.
begin() {
  env --default-signal=INT --default-signal=QUIT setsid "$@" </dev/null &
  wait $!
}

# end HOME: ends the session of that home and removes the folder. The leader goes first, so that it starts nothing more.
end() {
  local home=$1 session='' leader
  if [ -f "$home/session" ]; then session=$(<"$home/session"); fi
  if [ -n "$session" ]; then
    leader=$(words_of "$session")
    case $leader in
      '') end_members "$session" "${home##*/}" ;;
      *" $home "*)
        { kill -KILL "$session" && wait "$session"; } 2>/dev/null || true
        end_members "$session" "${home##*/}"
        ;;
      *) ;; # The number has gone to a stranger.
    esac
  fi
  remove "$home"
}

# What a process was called with, each word between blanks; nothing for one that has ended.
words_of() {
  local words
  words=$({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) || true
  [ -z "$words" ] || echo " $words "
}

# Only PostgreSQL is asked to go: killed, it would leave shared memory behind. The others leave nothing that is not in their folder,
# and Ceph's gateway would wait long for a store that has gone before it.
end_members() {
  local patience=$SECONDS members
  if [ "$2" = postgres ]; then
    patience=$((SECONDS + 30))
    # INT, because at TERM it waits for its clients.
    members=$(members_of "$1")
    [ -z "$members" ] || kill -INT $members 2>/dev/null
  fi
  while members=$(members_of "$1") && [ -n "$members" ]; do
    [ "$SECONDS" -lt "$patience" ] || kill -KILL $members 2>/dev/null
    sleep 0.1
  done
}

# The processes of a session that have not ended; one that nobody has asked for its exit code (Z, X) has.
# Through cat, as sed would give up at the first process that ends while it is read.
members_of() {
  cat /proc/[0-9]*/stat 2>/dev/null | sed -nE "s/^([0-9]+) \(.*\) [^XZ] [0-9]+ [0-9]+ $1 .*/\1/p" || true
}

# A dying process may still write a last file.
remove() {
  local try
  for try in 1 2 3 4 5; do
    rm -rf "$1" 2>/dev/null && return 0
    sleep 0.2
  done
  rm -rf "$1"
}
