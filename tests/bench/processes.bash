# Sourced. What the kernel knows of a process: time, memory, wake-ups.

# cpu_seconds PID: user and system time of all its threads so far.
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f\n", ($14 + $15) / hz }' "/proc/$1/stat"; }

# The most memory that PID held since the last forget_peak.
peak_mib() { awk '/^VmHWM:/ { printf "%.1f\n", $2 / 1024 }' "/proc/$1/status"; }

# Only root may: rekeyd's memory is nobody else's. For others the peak is that of its whole life.
forget_peak() { { echo 5 >"/proc/$1/clear_refs"; } 2>/dev/null || true; }

# How often any thread of PID was put on a processor after it had gone to sleep.
wake_ups() { awk '/^voluntary_ctxt_switches:/ { n += $2 } END { print n + 0 }' "/proc/$1"/task/*/status; }

moment() { printf '%s\n' "$EPOCHREALTIME"; }

# wait_for SECONDS WHAT COMMAND...: asks until it holds, while all of $pids live.
wait_for() {
  local end=$((SECONDS + $1)) what=$2 pid
  shift 2
  until "$@"; do
    ((SECONDS < end)) || die "$what did not happen in time"
    for pid in "${pids[@]}"; do [[ -d /proc/$pid ]] || die "waiting for $what: process $pid has ended"; done
    sleep 0.1
  done
}
