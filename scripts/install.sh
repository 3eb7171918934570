#!/usr/bin/env bash
# Installs what the demo and the tests need beside Rust, and says what and why.
# Only Debian and Ubuntu packages, only what is missing. Starts and enables no service.
set -euo pipefail

if [[ ${1:-} == --help ]]; then
  sed -n '2,3s/^# //p' "$0"
  exit 0
fi

# command or file that proves the package | package | what it is for
needs=(
  "cc|gcc|links Rust programs"
  "c++|g++|builds librdkafka"
  "make|make|builds librdkafka"
  "cmake|cmake|builds librdkafka"
  "pkg-config|pkg-config|finds OpenSSL"
  "/usr/include/openssl/ssl.h|libssl-dev|TLS of the Kafka client"
  "/usr/include/zlib.h|zlib1g-dev|builds librdkafka"
  "curl/curl.h|libcurl4-openssl-dev|builds librdkafka"
  "mariadbd|mariadb-server-core|stands in for Aurora MySQL"
  "mariadb-install-db|mariadb-server-core|stands in for Aurora MySQL"
  "mariadb|mariadb-client-core|a MySQL client"
  "mariadb-backup|mariadb-backup|rebuilds a replica that diverged"
  "redis-server|redis-server|stands in for ElastiCache"
  "setpriv|util-linux|ends servers with the program that started them"
  "curl|curl|asks servers whether they answer"
  "python3|python3|runs an emulator of AWS that is not ours"
  "ensurepip|python3-venv|keeps that emulator apart from the system"
)

present() {
  case $1 in
    curl/curl.h) compgen -G '/usr/include/*/curl/curl.h' >/dev/null || [[ -e /usr/include/curl/curl.h ]] ;;
    ensurepip) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    /*) [[ -e $1 ]] ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
  esac
}

missing=()
for need in "${needs[@]}"; do
  IFS='|' read -r proof package why <<<"$need"
  if ! present "$proof"; then
    case " ${missing[*]-} " in *" $package "*) continue ;; esac
    missing+=("$package")
    echo "install: $package is missing ($why)"
  fi
done

if ! command -v cargo >/dev/null; then
  echo "install: Rust is missing. Install it from https://rustup.rs and run this again." >&2
  exit 69
fi
((${#missing[@]} == 0)) && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install: this is neither Debian nor Ubuntu. Install by hand: ${missing[*]}" >&2
  exit 69
fi
as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install: needs root or sudo to install: ${missing[*]}" >&2
    exit 69
  fi
  as_root=(sudo)
fi

# RUNLEVEL=1 keeps the packages' own services from being started while they are installed.
echo "install: apt-get install ${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0)
"${as_root[@]}" "${apt[@]}" update
"${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
