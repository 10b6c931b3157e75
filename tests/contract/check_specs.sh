#!/bin/sh
# check_specs.sh REKEYD_SIM REPOSITORY WORK_FOLDER
#
# Compares the members of rekeyd-sim's answers with those of the examples in Azure's published specification, when
# that lies beside the repository (../shared/specs). Exit 77: skipped, because it does not, or a tool is missing.
set -eu
sim=$1 repository=$2 work=$3
examples=$repository/../shared/specs/azure/keyvault/data-plane/Microsoft.KeyVault/stable/7.5/examples

skip() {
  echo "skipped: $1"
  exit 77
}
[ -d "$examples" ] || skip "no specifications beside the repository"
command -v curl >/dev/null || skip "curl is not installed"
command -v jq >/dev/null || skip "jq is not installed"

mkdir -p "$work"
cd "$work"
rm -f port
cat >world.yaml <<'WORLD'
version: 1
rsa_pool: { size: 2, bits: [2048] }
azure:
  tenants: [{ id: t-1, clients: [{ id: c-1, secret: x }] }]
  vaults:
    - { name: kv1, tenant: t-1, keys: [{ name: root, tags: { a: b }, created: 3 months ago, versions: 2 }] }
WORLD
"$sim" --world world.yaml --listen 127.0.0.1:0 --make-ca ca --ready-file port &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
until [ -f port ]; do
  kill -0 $pid 2>/dev/null || { echo "rekeyd-sim ended before it was ready"; exit 1; }
  sleep 0.05
done
port=$(cat port)
ask() { curl -sS --cacert ca/ca.pem --resolve "*:$port:127.0.0.1" "$@"; }
token=$(ask -d grant_type=client_credentials -d client_id=c-1 -d client_secret=x \
  --data-urlencode scope=https://vault.localhost/.default \
  "https://login.localhost:$port/t-1/oauth2/v2.0/token" | jq -r .access_token)

# Members that an example shows because of what its request asked for, or that hang on the vault's tier.
optional='["attributes.exp","attributes.nbf","release_policy","release_policy.contentType","release_policy.data",
           "release_policy.immutable","nextLink","value[].managed","managed","tags","value[].tags",
           "lifetimeActions[].trigger.timeAfterCreate"]'
members='[paths | map(if type == "number" then "[]" else "." + . end) | join("") | ltrimstr(".")] | unique
         | map(select(test("(^|\\.)tags\\.") | not))'
failed=0
compare() { # NAME METHOD PATH [BODY]
  example=$(jq -c ".responses.\"200\".body | $members" "$examples/$1-example.json")
  answer=$(ask -X "$2" -H "Authorization: Bearer $token" ${4:+-d "$4"} \
    "https://kv1.vault.localhost:$port$3?api-version=7.5" | jq -c "$members")
  missing=$(jq -nc --argjson e "$example" --argjson a "$answer" --argjson o "$optional" '$e - $a - $o')
  if [ "$missing" = '[]' ]; then
    echo "ok: $1"
  else
    echo "FAILED: $1: the answer lacks $missing; it has $answer"
    failed=1
  fi
}
compare CreateKey POST /keys/made/create '{"kty":"RSA","tags":{"a":"b"}}'
compare GetKey GET /keys/root
compare GetKeys GET /keys
compare GetKeyVersions GET /keys/root/versions
compare UpdateKey PATCH /keys/root '{"tags":{"c":"d"}}'
compare RotateKey POST /keys/root/rotate
compare UpdateKeyRotationPolicy PUT /keys/root/rotationpolicy \
  '{"lifetimeActions":[{"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"notify"}}],"attributes":{"expiryTime":"P90D"}}'
compare GetKeyRotationPolicy GET /keys/root/rotationpolicy
compare wrapKey POST /keys/root/wrapkey '{"alg":"RSA-OAEP","value":"AAAA"}'
compare DeleteKey DELETE /keys/made
exit $failed
