# Shared by the scripts beside it.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$PWD/.cache/tools # what the scripts install for themselves

# need PROGRAM[:PACKAGE] ... installs what is missing: as root through apt-get,
# otherwise it says what is missing and ends.
need() {
  local missing=() item
  for item in "$@"; do
    command -v "${item%%:*}" >/dev/null || [ -e "${item%%:*}" ] || [[ " ${missing[*]} " == *" ${item##*:} "* ]] || missing+=("${item##*:}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}" >&2
    echo "hint: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "installing: ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=400 update -qq
  apt-get -o DPkg::Lock::Timeout=400 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Git refuses to tell of a checkout that belongs to another user, as in containers.
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$PWD

# need_go says what to do on a machine without Go, or with an old one.
need_go() {
  local have
  have=$(go env GOVERSION 2>/dev/null) || true
  [[ $have =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 26 ] && return
  echo "missing: go 1.26 or newer (here: ${have:-none})" >&2
  echo "hint: install it from https://go.dev/dl; distributions often have an older one" >&2
  exit 1
}

# tool PATH@VERSION builds a Go program into .cache/tools, once for each version.
tool() {
  local name=${1%@*} stamp
  name=$(basename "${name%/v[0-9]*}")
  stamp=$tools/$name.version
  if [ "$(cat "$stamp" 2>/dev/null)" != "$1 $(go version)" ]; then
    echo "installing: $1" >&2
    mkdir -p "$tools"
    GOBIN=$tools go install "$1" 2>"$tools/$name.log" || { cat "$tools/$name.log" >&2; return 1; }
    echo "$1 $(go version)" >"$stamp"
  fi
}
