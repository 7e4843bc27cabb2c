# shellcheck shell=bash
# Programs by others in pinned versions, and tests of which none may be ignored. `.ci/run` and `.ci/clients` source it from the project's root.

uv_version=0.13.9
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
# Each client has its folder here.
prepared="$(realpath -m "$target/clients")"

# The variables that name programs: the tests read them in one place.
program_variables() { grep -oE '"SAGEWIRE_[A-Z_]+"' tests/programs/src/lib.rs | tr -d '"' | sort -u; }

# Prints where a program is; installs its Debian package if it is missing.
program() {
  local name="$1" package="$2"
  if ! command -v "$name" >/dev/null; then
    { apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends "$package"; } >&2
  fi
  command -v "$name"
}

# Prints the Python of a virtual environment with the packages of a file of requirements.
python_with() {
  local requirements="$1" uv="$prepared/uv/bin/uv" venv
  venv="$prepared/$(basename "$requirements" .txt)"
  if [ ! -x "$uv" ]; then
    program python3 python3 >/dev/null
    python3 -c 'import ensurepip' 2>/dev/null || apt-get install --quiet --yes --no-install-recommends python3-venv >&2
    python3 -m venv "$prepared/uv"
    "$prepared/uv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version" >&2
  fi
  if [ ! -x "$venv/bin/python" ]; then "$uv" venv --quiet "$venv" >&2; fi
  local overrides="${requirements%.txt}-overrides.txt" options=()
  [ ! -e "$overrides" ] || options=(--overrides "$overrides")
  "$uv" pip install --quiet --python "$venv/bin/python" "${options[@]}" --requirement "$requirements" >&2
  echo "$venv/bin/python"
}

# The program that tests and the demo call, with every feature that the workspace has it with: another step may have built it with fewer.
build_program() { cargo build --locked --quiet --workspace --bin sagewire; }

# Runs tests, by `cargo test --workspace` so that nothing is compiled anew, and fails if one of them was ignored or none was found.
must_run() {
  local log
  log="$(mktemp)"
  cargo test --locked --workspace "$@" 2>&1 | tee "$log"
  awk '/^test result:/ { passed += $4; ignored += $8 }
    END {
      if (ignored > 0) { print "error: " ignored " tests were ignored although their programs were prepared"; exit 1 }
      if (passed == 0) { print "error: no test ran"; exit 1 }
    }' "$log" >&2
  rm "$log"
}

# Calls `<prefix>_<name>` for each name, or for all that are known. `--list` prints them.
run_named() {
  local prefix="$1" known="$2" name
  shift 2
  if [ "${1:-}" = --list ]; then tr ' ' '\n' <<<"$known"; return; fi
  if [ $# -eq 0 ]; then read -ra names <<<"$known"; else names=("$@"); fi
  for name in "${names[@]}"; do
    case " $known " in *" $name "*) ;; *) echo "error: unknown name \`$name\`; expected one of: $known" >&2; return 2 ;; esac
  done
  for name in "${names[@]}"; do
    printf '\n== %s\n' "$name"
    "${prefix}_$name"
  done
}
