#!/usr/bin/env bash
# live.sh CMAKE BUILD_DIRECTORY REKEYD_SIM
# What only a running systemd can show: installs the build into a Debian 12 that it boots, and lets the service live
# there against the simulated clouds under their production names. Only with REKEYD_LIVE=1, as root, where
# systemd-nspawn and debootstrap are; the first run fetches a Debian (REKEYD_LIVE_MIRROR says from where).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
cmake=$1 build=$2 sim=$3

skip() {
  echo "skipped: $*"
  exit 77
}
[[ ${REKEYD_LIVE:-} == 1 ]] || skip "boots a machine: set REKEYD_LIVE=1"
((EUID == 0)) || skip "needs root"
for tool in systemd-nspawn debootstrap nsenter pgrep; do command -v "$tool" >/dev/null || skip "needs $tool"; done

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
ok() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
# wait_for SECONDS WHAT COMMAND...: asks until it holds.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fail "$what did not come about"
    sleep 0.2
  done
}
# same WHAT EXPECTED FOUND
same() { [[ $3 == "$2" ]] || fail "$1: expected '$2', found '$3'"; }
# says WHAT TEXT PATTERN: an extended regular expression.
says() { grep -qE -- "$3" <<<"$2" || fail "$1: expected /$3/ in: $2"; }
# refused COMMAND...: it must not succeed; prints what it said.
refused() {
  local said
  ! said=$("$@" 2>&1) || fail "succeeded and must not: $*"
  echo "$said"
}

# shellcheck source=../../scripts/lib/packages.bash
source "$source_dir/scripts/lib/packages.bash"
# shellcheck source=machine.bash
source "$here/machine.bash"

root=$(mktemp -d)/machine
# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  local status=$?
  if ((status != 0 && status != 77)) && [[ -n ${leader:-} ]]; then inside journalctl --no-pager -n 40 -u rekeyd || true; fi
  shut_down
  rm -rf "$(dirname "$root")"
}
trap clean_up EXIT

property() { inside systemctl show --property="$1" --value rekeyd; }
main_pid() { property MainPID; }
mode() { inside stat -c '%a %U:%G' "$1"; }
sql() { inside sqlite3 -readonly /var/lib/rekeyd/rekeyd.db "$1"; }
digest() { inside rekeyctl status | grep -o 'digest [0-9a-f]*'; }
rotations_done() { sql "SELECT count(*) FROM audit_rotations WHERE state = 'done'"; }
all_done() { [[ $(sql "SELECT count(*) FILTER (WHERE state = 'done') || ' of ' || count(*) FROM audit_rotations") == "$1 of $1" ]]; }
drop_in() { inside tee "/etc/systemd/system/rekeyd.service.d/$1" >/dev/null && inside systemctl daemon-reload; }

install_rekeyd() {
  DESTDIR=$root "$cmake" --install "$build" --prefix /usr/local >"$root.install" || fail "$(cat "$root.install")"
  inside sh -c 'systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload'
  says "the daemon's groups" "$(inside id rekeyd)" 'rekeyd-audit.*rekeyd-admin|rekeyd-admin.*rekeyd-audit'
  same "the credentials' folder" "700 root:root" "$(mode /etc/rekeyd/credentials)"
  ok "installed: users, groups and folders are made on a machine that had none"
}

refuse_without_configuration() {
  says "systemctl start" "$(refused inside systemctl start rekeyd)" 'failed'
  says "the journal's errors" "$(inside journalctl -u rekeyd -p err -o cat)" '/etc/rekeyd/rekeyd.yaml.*No such file'
  inside systemctl stop rekeyd
  ok "without a configuration it does not start, and the journal says which file, as an error"
}

start_clouds() {
  mkdir "$root/opt/clouds"
  cp "$sim" "$source_dir/tests/simulator/worlds/demo.yaml" "$root/opt/clouds/"
  inside systemd-run --quiet --unit=clouds /opt/clouds/rekeyd-sim --world /opt/clouds/demo.yaml --listen 127.0.0.1:443 \
    --make-ca /opt/clouds/ca --write-envelopes /srv/payments/deks --ready-file /run/clouds.port
  wait_for 60 "the clouds' readiness" inside test -s /run/clouds.port
  inside cp /opt/clouds/ca/ca.pem /usr/local/share/ca-certificates/clouds.crt
  inside update-ca-certificates >/dev/null 2>&1
}

# As docs/operating.md says, from what was installed.
configure() {
  local examples=/usr/local/share/doc/rekeyd/examples name secret
  inside cp -r "$examples/rekeyd.yaml" "$examples/policies.d" /etc/rekeyd/
  inside sed -i 's|path: deks|path: /srv/payments/deks|' /etc/rekeyd/rekeyd.yaml
  inside mkdir /etc/systemd/system/rekeyd.service.d
  for name in azure-prod hsm-prod ibm-prod ibm-dedicated ibm-hpcs; do
    secret=demo-$name
    [[ $name == ibm-* ]] || secret=demo-azure-secret
    (umask 077 && printf %s "$secret" >"$root/etc/rekeyd/credentials/$name")
    printf '[Service]\nLoadCredential=%s:/etc/rekeyd/credentials/%s\n' "$name" "$name"
  done | drop_in credentials.conf
  inside groupadd payments
  inside sh -c 'cd /srv/payments/deks && chown -R rekeyd:payments . && find . -type d -exec chmod 2770 {} + &&
    find . -type f -exec chmod 0660 {} +'
  inside cat "$examples/rekeyd.service.d/dek-folders.conf" | drop_in dek-folders.conf
  inside useradd anna -G rekeyd-audit
  inside useradd bob -G rekeyd-admin
  inside useradd carol
  inside rekeyctl check >/dev/null
}

start() {
  inside systemctl start rekeyd
  is_answered || fail "started, and rekeyctl is not answered"
  wait_for 90 "ten rotations" all_done 10
  wait_for 45 "a status line that tells it" status_line_is '16 ready'
  says "systemctl status" "$(inside systemctl status rekeyd)" 'Status: "17 keys: .*16 ready'
  same "warnings in the journal" "" "$(inside journalctl -q -p warning -o cat "_PID=$(main_pid)")"
  says "locked memory" "$(inside grep VmLck "/proc/$(main_pid)/status")" ' 4096 kB'
  ok "start returns when ready; every due key rotated and its DEKs moved, through the sandbox, by production names"
}
# 4: answered, and there are overdue keys, as there should be in the beginning.
is_answered() {
  local status=0
  inside rekeyctl status >/dev/null 2>&1 || status=$?
  ((status == 0 || status == 4))
}
status_line_is() { [[ $(property StatusText) == *"$1"* ]]; }

folders() {
  same "state" "711 rekeyd:rekeyd" "$(mode /var/lib/rekeyd)"
  same "database" "640 rekeyd:rekeyd-audit" "$(mode /var/lib/rekeyd/rekeyd.db)"
  same "runtime folder" "755 rekeyd:rekeyd" "$(mode /run/rekeyd)"
  same "control socket" "660 rekeyd:rekeyd-admin" "$(mode /run/rekeyd/control.sock)"
  same "owners and modes of DEKs" "660 rekeyd:payments" "$(inside find /srv/payments/deks -type f -printf '%m %u:%g\n' | sort -u)"
  ok "state, runtime folder, socket, database and DEKs have their owners and modes"
}

# audit WHEN
audit() {
  same "an auditor's count $1" "$(rotations_done)" \
    "$(as anna sqlite3 -readonly /var/lib/rekeyd/rekeyd.db "SELECT count(*) FROM audit_rotations WHERE state = 'done'")"
  as anna rekeyctl verify >/dev/null 2>&1 || fail "an auditor cannot verify the history $1"
  refused as anna sqlite3 /var/lib/rekeyd/rekeyd.db "UPDATE keys SET vault = 'x'" >/dev/null
  refused as carol sqlite3 -readonly /var/lib/rekeyd/rekeyd.db "SELECT 1 FROM audit_rotations" >/dev/null
  ok "an auditor reads the database with sqlite3 $1, others do not"
}

operators() {
  as bob rekeyctl status >/dev/null || fail "a member of rekeyd-admin may not use rekeyctl status"
  says "another's refusal" "$(refused as carol rekeyctl status)" 'may not use the control socket.*group rekeyd-admin'
  ok "rekeyctl is for members of rekeyd-admin, and says so to others"
}

reload() {
  local before after policies=/etc/rekeyd/policies.d/payments.yaml
  before=$(digest)
  inside sed -i 's/every: 3 months/every: 4 months/' $policies
  inside systemctl reload rekeyd
  after=$(digest)
  [[ $after != "$before" ]] || fail "systemctl reload returned before the new policies were in force"
  inside sed -i 's/every: 4 months/evry: 4 months/' $policies
  refused inside systemctl reload rekeyd >/dev/null
  same "the policies after a refused reload" "$after" "$(digest)"
  same "the service after it" active "$(property ActiveState)"
  says "the journal's errors" "$(inside journalctl -u rekeyd -p err -o cat)" "payments.yaml:10:5: .*did you mean 'every'"
  same "how often it tells a mistake" 1 "$(inside journalctl -u rekeyd -o cat | grep -c payments.yaml:10:5)"
  says "the status line" "$(property StatusText)" MISTAKES
  inside sed -i 's/evry: 4 months/every: 4 months/' $policies
  inside systemctl reload rekeyd
  ok "systemctl reload ends when the policies are in force, and fails when they are refused"
}

secrets_stay_inside() {
  local pid
  pid=$(main_pid)
  refused as rekeyd head -c 1 "/proc/$pid/mem" >/dev/null
  refused as rekeyd cat "/proc/$pid/environ" >/dev/null
  refused as rekeyd perl -e "exit(syscall(101, 16, $pid, 0, 0) == 0 ? 0 : 1)" >/dev/null # PTRACE_ATTACH
  refused as bob ls /run/credentials/rekeyd.service >/dev/null
  says "core files" "$(inside cat "/proc/$pid/limits")" 'Max core file size +0 +0'
  inside systemctl kill --kill-who=main --signal=SEGV rekeyd
  wait_for 30 "a new life" lives_anew "$pid"
  says "how it ended" "$(inside journalctl -u rekeyd -o cat)" 'code=killed, status=11/SEGV'
  ok "its own user can neither read its memory nor trace it, and a crash leaves no core"
}
lives_anew() { [[ $(property ActiveState) == active && $(main_pid) != "$1" ]]; }

watchdog() {
  local pid before
  before=$(rotations_done)
  printf '[Service]\nWatchdogSec=5s\n' | drop_in watchdog.conf
  inside systemctl restart rekeyd
  pid=$(main_pid)
  inside rekeyctl rotate azure-prod/payments-eu/cmk-refunds --reason 'a rotation cut in two' >/dev/null 2>&1
  inside systemctl kill --kill-who=main --signal=STOP rekeyd
  wait_for 60 "the watchdog's restart" lives_anew "$pid"
  # Two minutes if it was cut just after its request: that may still take effect, and is not repeated before.
  wait_for 180 "the end of the rotation that was under way" all_done $((before + 1))
  says "the journal" "$(inside journalctl -u rekeyd -o cat)" 'Watchdog timeout'
  same "versions, one of them new" 2 "$(versions_of cmk-refunds)"
  ok "a daemon that hangs is killed and begins again; the rotation goes on and makes one version"
}

foreign_deks() {
  local folder=/srv/payments/deks/payments-eu/cmk-cards before versions rotation
  before=$(rotations_done)
  versions=$(versions_of cmk-cards)
  inside useradd --system app
  inside sh -c "chown -R app:app $folder && chmod 700 $folder && chmod 600 $folder/*"
  rotation=$(inside rekeyctl rotate azure-prod/payments-eu/cmk-cards --reason 'DEKs of another user' 2>/dev/null)
  wait_for 30 "a refusal at the preflight" refused_at_preflight "$rotation"
  same "key versions" "$versions" "$(versions_of cmk-cards)"
  inside cat /usr/local/share/doc/rekeyd/examples/rekeyd.service.d/dek-owners.conf | drop_in dek-owners.conf
  inside systemctl restart rekeyd
  # Its next try comes half a minute after the first.
  wait_for 120 "the end of its rotation" all_done $((before + 1))
  same "their owner and mode" "600 app:app" "$(inside find $folder -type f -printf '%m %u:%g\n' | sort -u)"
  ok "DEKs of another user: no version is made that they could not follow; with dek-owners.conf they move and stay his"
}
versions_of() { sql "SELECT count(*) FROM audit_key_versions WHERE key_id = '$1'"; }
refused_at_preflight() {
  (($(sql "SELECT count(*) FROM audit_events WHERE rotation = '$1' AND step = 'preflight' AND outcome = 'failed'") > 0))
}

journal() {
  local warnings
  warnings=$(inside journalctl -u rekeyd -p warning -o cat _COMM=rekeyd)
  says "warnings and worse" "$warnings" 'payments.yaml:10:5'
  ! grep -qE 'control socket /run|history head' <<<"$warnings" || fail "information is logged as a warning: $warnings"
  says "information" "$(inside journalctl -u rekeyd -o cat)" 'history head [0-9]+:[0-9a-f]{64}'
  ok "the journal has each line with its priority"
}

exposure() {
  local said
  said=$(inside systemd-analyze security --no-pager --threshold=15 rekeyd) || fail "exposure: $said"
  ok "$(tail -n 1 <<<"$said")"
}

stop() {
  local begin=$SECONDS
  inside systemctl stop rekeyd
  ((SECONDS - begin < 20)) || fail "systemctl stop took $((SECONDS - begin)) s"
  same "its result" success "$(property Result)"
  refused inside test -e /run/rekeyd >/dev/null
  says "rekeyctl" "$(refused as bob rekeyctl status)" 'rekeyd is not running'
  ok "systemctl stop ends it cleanly"
}

# The clouds do not come back with the machine.
reboot() {
  inside systemctl enable --quiet rekeyd
  shut_down
  boot "$root"
  same "the service after a reboot" active "$(property ActiveState)"
  says "rekeyctl status" "$(inside rekeyctl status || true)" 'azure-prod +azure-key-vault +no'
  ok "enabled, it starts with the machine although no provider can be reached"
}

pristine=$build/tests/systemd/debian
mkdir -p "$(dirname "$pristine")"
make_pristine "$pristine"
cp -a "$pristine" "$root"
boot "$root"
ok "a Debian 12 runs"
install_rekeyd
refuse_without_configuration
start_clouds
configure
start
folders
audit "while rekeyd runs"
operators
reload
secrets_stay_inside
watchdog
exposure
foreign_deks
journal
stop
audit "after it stopped"
reboot
