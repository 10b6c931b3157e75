#!/bin/sh
# check_specs.sh REKEYD_SIM REPOSITORY WORK_FOLDER
#
# Compares the members of rekeyd-sim's answers with those of the examples and schemas in Azure's published
# specification, when that lies beside the repository (../shared/specs). Exit 77: skipped, because it does not, or a
# tool is missing.
set -eu
sim=$1 repository=$2 work=$3
specs=$repository/../shared/specs/azure
compute=$specs/compute/resource-manager/Microsoft.Compute
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
    - name: kv1
      tenant: t-1
      keys:
        - { name: root, tags: { a: b }, created: 3 months ago, versions: 2 }
        - { name: cvm, kty: RSA-HSM, exportable: true, release_policy: '{}' }
  subscriptions:
    - id: s-1
      tenant: t-1
      resource_groups: [{ name: g }]
      disk_encryption_sets:
        - { name: des1, key: kv1/root, tags: { a: b }, auto_rotation_error: ManagedServiceIdentityNotFound,
            user_identities: [/subscriptions/s-1/x], identity: "SystemAssigned, UserAssigned", rotation_to_latest: true }
        - { name: des2, key: kv1/cvm, type: confidential-vm }
      virtual_machines:
        - { name: vm1, disk_encryption_set: des1, data_disks: 1, ephemeral_os_disk: true, ade: { key: kv1/root } }
        - { name: vm2, disk_encryption_set: des2, security: confidential, power: deallocated, tags: { a: b } }
        - { name: vm3, ade: { key: kv1/root }, data_disks: 1 }
      snapshots: [{ name: snap, disk_encryption_set: des1 }]
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
token_for() {
  ask -d grant_type=client_credentials -d client_id=c-1 -d client_secret=x --data-urlencode "scope=https://$1/.default" \
    "https://login.localhost:$port/t-1/oauth2/v2.0/token" | jq -r .access_token
}
token=$(token_for vault.localhost)

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

# Azure Resource Manager: every member that is written is one that a schema has, and no member of the examples of
# disk encryption sets is missing. Names of tags, settings and identities are not members. The schema of snapshots is
# not among the specifications: it has "incremental" beside what disks have.
arm_token=$(token_for management.localhost)
group=https://management.localhost:$port/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Compute
arm() { ask --fail -X "$1" -H "Authorization: Bearer $arm_token" ${3:+-d "$3"} "$group$2"; }
known=$(jq -sc '[.[] | .. | objects | .properties? // empty | objects | keys[]] | unique
  | . + ["incremental"]' \
  "$compute"/ComputeRP/stable/2024-03-01/*.json "$compute"/DiskRP/stable/2023-10-02/*.json \
  "$compute"/common-types/v1/common.json "$specs"/common-types/resource-management/v5/types.json)
written='[paths | map(strings) | join(".") | select(test("(^|\\.)(tags|settings|userAssignedIdentities)\\.") | not)
          | split(".") | last | select(. != null)] | unique'
members_known() { # NAME METHOD PATH [BODY]
  strange=$(arm "$2" "$3" "${4:-}" | jq -c --argjson known "$known" "$written - \$known")
  if [ "$strange" = '[]' ]; then
    echo "ok: $1 has only members of the schemas"
  else
    echo "FAILED: $1 has $strange, which no schema has"
    failed=1
  fi
}
disk=2023-10-02 machine=2024-03-01
members_known "a disk encryption set" GET "/diskEncryptionSets/des1?api-version=$disk"
members_known "the list of disk encryption sets" GET "/diskEncryptionSets?api-version=$disk"
members_known "the list of a set's resources" GET "/diskEncryptionSets/des1/associatedResources?api-version=$disk"
members_known "the list of disks" GET "/disks?api-version=$disk"
members_known "the list of snapshots" GET "/snapshots?api-version=$disk"
members_known "the list of machines" GET "/virtualMachines?api-version=$machine&\$expand=instanceView"
members_known "an instance view" GET "/virtualMachines/vm3/instanceView?api-version=$machine"
members_known "the list of extensions" GET "/virtualMachines/vm1/extensions?api-version=$machine"
key=$(arm GET "/diskEncryptionSets/des2?api-version=$disk" | jq -c '{properties: {activeKey: .properties.activeKey}}')
members_known "a disk encryption set that changes" PATCH "/diskEncryptionSets/des2?api-version=$disk" "$key"

# previousKeys is left out while there are none, as recorded.
for name in Get Get_WithAutoKeyRotationError; do
  example=$(jq -c ".responses.\"200\".body | $members" \
    "$compute/DiskRP/stable/2023-10-02/examples/diskEncryptionSetExamples/DiskEncryptionSet_$name.json")
  answer=$(arm GET "/diskEncryptionSets/des1?api-version=$disk" | jq -c "$members")
  missing=$(jq -nc --argjson e "$example" --argjson a "$answer" '$e - $a - ["properties.previousKeys"]')
  if [ "$missing" = '[]' ]; then
    echo "ok: DiskEncryptionSet_$name"
  else
    echo "FAILED: DiskEncryptionSet_$name: the answer lacks $missing; it has $answer"
    failed=1
  fi
done
exit $failed
