# Sourced by live.sh. A Debian 12 of its own, booted by systemd-nspawn, without network and without a bus of the host.

# The clouds' production names, which lead to the simulator in there.
cloud_names=(
  login.microsoftonline.com payments-eu.vault.azure.net payments-us.vault.azure.net treasury-hsm.managedhsm.azure.net
  iam.cloud.ibm.com us-south.kms.cloud.ibm.com 0a0a0a0a-0000-4000-8000-000000000002.api.us-south.kms.appdomain.cloud
  0a0a0a0a-0000-4000-8000-000000000003.api.us-south.hs-crypto.appdomain.cloud
)

# A machine as an administrator gets it, with nothing of ours but the libraries; kept for the next run.
make_pristine() {
  local folder=$1 packages
  [[ ! -f $folder.made ]] || return 0
  rm -rf "$folder"
  packages=$(IFS=, && echo "${packages_runtime[*]}")
  debootstrap --variant=minbase --include="systemd,systemd-sysv,dbus,$packages" bookworm "$folder" \
    "${REKEYD_LIVE_MIRROR:-http://deb.debian.org/debian}" >"$folder.log" 2>&1 || fail "debootstrap: $(tail -n 5 "$folder.log")"
  touch "$folder.made"
}

# boot ROOT: returns when systemd in there has started everything.
boot() {
  echo rekeyd-live >"$1/etc/hostname"
  printf '127.0.0.1 %s\n' localhost rekeyd-live "${cloud_names[@]}" >"$1/etc/hosts"
  # CAP_IPC_LOCK: without it nspawn forbids the calls that lock memory, which no real machine does.
  systemd-nspawn --quiet --directory="$1" --boot --register=no --keep-unit --machine=rekeyd-live --private-network \
    --resolv-conf=off --console=pipe --capability=CAP_IPC_LOCK </dev/null >"$1.console" 2>&1 &
  nspawn=$!
  wait_for 60 "the machine's init" has_init
  wait_for 120 "the end of the machine's start" is_up
}
has_init() { leader=$(pgrep --parent "$nspawn"); }
is_up() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

# Runs a command in the machine, as root, with nothing of our environment.
inside() {
  nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd env -i HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_COLORS=0 SYSTEMD_PAGER= "$@"
}
as() { inside runuser -u "$1" -- "${@:2}"; }

shut_down() {
  [[ -n ${nspawn:-} ]] || return 0
  kill -s RTMIN+4 "${leader:-$nspawn}" 2>/dev/null || true
  local end=$((SECONDS + 30))
  while kill -0 "$nspawn" 2>/dev/null && ((SECONDS < end)); do sleep 0.2; done
  kill -KILL "$nspawn" 2>/dev/null || true
  wait "$nspawn" 2>/dev/null || true
}
