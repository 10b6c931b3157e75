# Sourced. Says what is going on, on stderr, with the seconds since the script began.

say() { printf '==> [%4ds] %s\n' "$SECONDS" "$*" >&2; }

die() {
  printf '==> %s\n' "$*" >&2
  exit 1
}
