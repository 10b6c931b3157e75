# Sourced. rekeyd on configurations of the benchmark's own: caps raised out of the way, inventory once.
# Needs $bin, $home, $port; sets $rekeyd_pid, $database.

# What a provider entry may ask. The limits that Azure publishes are out of the way, too, unless a scene is about them.
azure_limits='in_flight: 32, per_second: 10000, published_percent: 100000'

# write_provider_azure VAULT..., write_provider_ibm: on stdout.
write_provider_azure() {
  printf '  - name: azure-bench\n    kind: azure-key-vault\n    vaults: [%s]\n' "$(IFS=,; printf '%s' "$*")"
  printf '    credentials:\n      tenant: 11111111-2222-4333-8444-555555555555\n'
  printf '      client_id: 66666666-7777-4888-8999-000000000001\n      client_secret: { credential: azure-bench }\n'
  printf '    limits: { %s }\n' "$azure_limits"
}
write_provider_ibm() {
  printf '  - name: ibm-bench\n    kind: ibm-key-protect\n    credentials: { api_key: { credential: ibm-bench } }\n'
  printf '    instances:\n      - name: kp-bench\n        id: 0a0a0a0a-0000-4000-8000-000000000009\n'
  printf '        url: https://us-south.kms.cloud.ibm.com\n'
  printf '    limits: { in_flight: 32, per_second: 10000 }\n'
}

# configure SCENE PROVIDER_YAML [FOLDER_OF_DEKS]: makes $home/SCENE.
configure() {
  local folder=$home/$1 host
  mkdir -m 700 "$folder" "$folder"/{policies.d,state,run,credentials}
  {
    printf 'version: 1\npolicies: policies.d\ninventory: { every: 7 days }\n'
    printf 'rotations: { per_hour: 100000, in_flight: 16, storm_warning_percent: 100, storm_hold_percent: 100 }\n'
    printf 'network:\n  ca_file: %s\n  connect_to:\n' "$ca/ca.pem"
    for host in login.microsoftonline.com {bench-a,bench-b,bench-deks,limited-deks,limited-disks,bench-machines}.vault.azure.net \
      management.azure.com iam.cloud.ibm.com \
      us-south.kms.cloud.ibm.com; do
      printf '    "%s:443": "127.0.0.1:%s"\n' "$host" "$port"
    done
    printf 'providers:\n%s\n' "$2"
    if [[ -n ${3:-} ]]; then
      printf 'dek_stores:\n  - { name: bench, kind: envelope-directory, path: %s }\n' "$3"
    fi
  } >"$folder/rekeyd.yaml"
  (
    umask 077
    printf demo-azure-secret >"$folder/credentials/azure-bench"
    printf demo-ibm-prod >"$folder/credentials/ibm-bench"
  )
  write_policies "$1" observe
}

# write_policies SCENE MODE: all keys, every three months; $policy_more is what else their policy says.
write_policies() {
  local provider
  {
    printf 'version: 1\npolicies:\n'
    for provider in $(sed -nE 's/^  - name: ([a-z]+-bench)$/\1/p' "$home/$1/rekeyd.yaml"); do
      printf '  - { name: all-%s, match: { provider: %s }, every: 3 months, mode: %s%s }\n' \
        "$provider" "$provider" "$2" "${policy_more:-}"
    done
  } >"$home/$1/policies.d/bench.yaml"
}

start_daemon() {
  local folder=$home/$1
  database=$folder/state/rekeyd.db
  export REKEYD_SOCKET=$folder/run/control.sock
  STATE_DIRECTORY=$folder/state RUNTIME_DIRECTORY=$folder/run CREDENTIALS_DIRECTORY=$folder/credentials \
    "$bin/daemon/rekeyd" --config "$folder/rekeyd.yaml" 2>"$folder/rekeyd.log" &
  rekeyd_pid=$!
  pids+=("$rekeyd_pid")
}

stop_daemon() {
  kill "$rekeyd_pid"
  wait "$rekeyd_pid" || die "rekeyd did not end well: see its log in $home"
  rekeyd_pid=''
  unset 'pids[-1]'
}

# enforce SCENE: from now on what is due is rotated.
enforce() {
  write_policies "$1" enforce
  rekeyctl reload >"$home/reload.log" 2>&1 || die "the policies were refused: $(<"$home/reload.log")"
}

rekeyctl() { "$bin/daemon/rekeyctl" "$@"; }

# keys_known N: asked of the database, so that asking costs the daemon nothing.
keys_known() { (($(sqlite3 -readonly "$database" "SELECT count(*) FROM audit_root_keys" 2>/dev/null || echo 0) >= $1)); }

inventory_done() {
  rekeyctl status -o json 2>/dev/null | jq -e '.providers | all(.last_inventory != null)' >/dev/null
}

# rotations_done N: likewise.
rotations_done() {
  local done blocked
  IFS='|' read -r done blocked < <(sqlite3 -readonly "$database" "
    SELECT total(state = 'done'), total(state IN ('blocked', 'abandoned')) FROM audit_rotations")
  [[ $blocked == 0.0 ]] || die "a rotation did not succeed: see $home"
  ((${done%.*} == $1))
}
