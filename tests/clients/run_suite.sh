#!/bin/sh
# run_suite.sh REKEYD_SIM SUITE_FOLDER WORK_FOLDER
#
# Installs the suite's packages into the work folder (once per lock file), starts rekeyd-sim on the suite's world
# and runs its tests with Node. Exit 77: skipped, because node, npm or the package registry cannot be had.
set -eu
sim=$1 suite=$2 work=$3

skip() {
  echo "skipped: $1"
  exit 77
}
command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || skip "node is older than 20"

mkdir -p "$work"
cp "$suite"/package.json "$suite"/package-lock.json "$suite"/*.mjs "$(dirname "$0")"/loopback_names.mjs "$work"
cd "$work"
if ! cmp -s package-lock.json installed-lock.json; then
  rm -rf installed-lock.json node_modules
  npm ci --no-audit --no-fund --ignore-scripts || skip "npm could not install the packages"
  cp package-lock.json installed-lock.json
fi

rm -f port
"$sim" --world "$suite/world.yaml" --listen 127.0.0.1:0 --make-ca ca --ready-file port &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
until [ -f port ]; do
  kill -0 $pid 2>/dev/null || { echo "rekeyd-sim ended before it was ready"; exit 1; }
  sleep 0.05
done
NODE_EXTRA_CA_CERTS=ca/ca.pem REKEYD_SIM_PORT=$(cat port) node --import ./loopback_names.mjs --test ./*.test.mjs
