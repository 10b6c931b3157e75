# Sourced. The simulated clouds: starting them, asking them, and wrk beside us.
# Needs $bin, $home; sets $port, $clouds_pid, $ca.

declare -A clouds_started

# use_clouds WORLD: those of worlds/WORLD.yaml, from now on.
use_clouds() {
  ca=$home/ca-$1
  if [[ -z ${clouds_started[$1]:-} ]]; then
    say "starting rekeyd-sim for $1: it makes RSA keys, and wraps 20,000 DEKs or more"
    "$bin/tests/simulator/rekeyd-sim" --world "tests/simulator/worlds/$1.yaml" --listen 127.0.0.1:0 \
      --ready-file "$home/port-$1" --make-ca "$ca" --write-envelopes "$home/deks" >"$home/rekeyd-sim-$1.log" 2>&1 &
    clouds_started[$1]=$!
    pids+=("$!")
    wait_for 300 "the clouds' readiness" test -s "$home/port-$1"
  fi
  clouds_pid=${clouds_started[$1]}
  port=$(<"$home/port-$1")
}

cloud() {
  local host=$1 target=$2
  shift 2
  curl -sS --fail --cacert "$ca/ca.pem" --connect-to "$host:443:127.0.0.1:$port" "$@" "https://$host$target"
}

# Calls that the named hosts (a jq array) have answered: {"operation status": count}.
calls_at() {
  cloud sim.localhost /state/requests | jq -c --argjson hosts "$1" '
    reduce (to_entries[] | select(.key as $host | $hosts | index($host)) | .value | to_entries[]) as $call
      ({}; .[$call.key] += $call.value)'
}

# What came between two answers of calls_at.
calls_between() {
  jq -nc --argjson before "$1" --argjson after "$2" '
    $after | with_entries(.value -= ($before[.key] // 0)) | with_entries(select(.value > 0))'
}

azure_token() {
  cloud login.microsoftonline.com /11111111-2222-4333-8444-555555555555/oauth2/v2.0/token \
    --data-urlencode grant_type=client_credentials --data-urlencode scope=https://vault.azure.net/.default \
    --data-urlencode client_id=66666666-7777-4888-8999-000000000001 \
    --data-urlencode client_secret=demo-azure-secret | jq -r .access_token
}

ibm_token() {
  cloud iam.cloud.ibm.com /identity/token --data-urlencode apikey=demo-ibm-prod \
    --data-urlencode grant_type=urn:ibm:params:oauth:grant-type:apikey | jq -r .access_token
}

# The headers that rekeyd sends, for tests/bench/requests.lua.
azure_headers() {
  printf 'header\t%s\t%s\n' Authorization "Bearer $(azure_token)" Accept application/json User-Agent rekeyd-bench \
    x-ms-client-request-id 00000000-0000-4000-8000-000000000000
}
ibm_headers() {
  printf 'header\t%s\t%s\n' Authorization "Bearer $(ibm_token)" Accept application/json User-Agent rekeyd-bench \
    Bluemix-Instance 0a0a0a0a-0000-4000-8000-000000000009 Correlation-Id 00000000-0000-4000-8000-000000000000
}

# wrk CONNECTIONS FILE: one thread, as rekeyd has, plays the requests of FILE for ten seconds. Prints JSON.
bare_rate() {
  local connections=$1 requests=$2 said
  # wrk prints its own report first.
  said=$(wrk -t1 -c"$connections" -d"${bare_seconds}s" --timeout 10s -s tests/bench/requests.lua \
    "https://127.0.0.1:$port" -- "$requests" | tail -1)
  jq -e '.refused == 0 and .broken == 0 and .requests > 0' >/dev/null <<<"$said" ||
    die "the clouds refused wrk what they gave to rekeyd: $said"
  printf '%s\n' "$said"
}
