# Sourced after progress.bash. install_packages SET... installs what is missing of Debian 12's packages, as root or
# with sudo. docs/dependencies.md says what each library is for.

# shellcheck disable=SC2034  # Used by name.
packages_build=(
  g++ cmake ninja-build pkg-config ccache
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libyaml-cpp-dev libsqlite3-dev
  libsqlitecpp-dev libspdlog-dev libfmt-dev libcli11-dev libhowardhinnant-date-dev libsystemd-dev
  libp11-kit-dev
  # The time zones that policies name, and what an auditor types.
  tzdata sqlite3
)
# What a machine needs that only runs the programs, and what an auditor types (docs/operating.md).
# shellcheck disable=SC2034  # Used by tests/systemd/live.sh.
packages_runtime=(
  libboost-json1.81.0 libboost-url1.81.0 libdate-tz3 libfmt9 libspdlog1.10 libsqlite3-0 libssl3 libstdc++6 libsystemd0
  libyaml-cpp0.7 ca-certificates tzdata sqlite3
)
# SoftHSM is the token that imported keys take their material from.
packages_test=(catch2 softhsm2)
# scripts/demo asks the simulated clouds what they hold, and compares.
packages_demo=(curl jq)
# scripts/bench puts wrk beside rekeyd.
packages_bench=(wrk curl jq)
packages_clang=(clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19)
# systemd-analyze, systemd-sysusers and systemd-tmpfiles judge the installed unit.
packages_systemd=(systemd)
# The providers' official clients run in Node: any that is there will do.
packages_node=()
command -v node >/dev/null || packages_node+=(nodejs)
command -v npm >/dev/null || packages_node+=(npm)

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

as_root() {
  if ((EUID == 0)); then
    "$@"
    return
  fi
  command -v sudo >/dev/null || die "neither root nor sudo: ask somebody who is to run: $*"
  local status=0
  sudo "$@" || status=$?
  # apt-get ends with 0 or 100; 1 is sudo's own no.
  ((status != 1)) || die "sudo does not let you: ask somebody who may to run: $*"
  return "$status"
}

# A machine that has just been started may be busy with updates of its own: then apt-get waits.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >&2
}

apt_install() { apt_get install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@"; }

install_packages() {
  command -v dpkg-query >/dev/null || die "this is no Debian: install by hand what docs/dependencies.md lists"
  local set package missing=()
  for set in "$@"; do
    local -n packages="packages_$set"
    for package in "${packages[@]}"; do
      is_installed "$package" || missing+=("$package")
    done
  done
  ((${#missing[@]})) || return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  # The lists that are there are tried first: fetching them takes longer than most installations.
  if apt-get install -qq -y --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1 &&
    apt_install "${missing[@]}"; then
    return 0
  fi
  say "fetching the package lists"
  apt_get update -o APT::Update::Error-Mode=any ||
    die "the package lists could not be fetched: is the network up, and are the sources in /etc/apt right?"
  apt_install "${missing[@]}" ||
    die "apt-get could not install ${missing[*]} (needed: Debian 12; here: $(. /etc/os-release && echo "$PRETTY_NAME"))"
}
