# Shared by the scripts beside it, and sourced, never run: where the tree, its build and its binary are.
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
script=ops/$(basename "$0")

say() { echo "$script: $*" >&2; }
die() {
    say "$*"
    exit 1
}

# A build folder has one owner. Who finds `.build` taken by another user, or the tree read-only, builds elsewhere.
build_folder() {
    local own=$repo/.build
    if [ -e "$own" ]; then
        if [ -O "$own" ] && [ -w "$own" ]; then
            echo "$own"
            return
        fi
    elif [ -w "$repo" ]; then
        echo "$own"
        return
    fi
    own=$repo/.build-$(id -u)
    if [ -w "$repo" ] || { [ -O "$own" ] && [ -w "$own" ]; }; then
        echo "$own"
    else
        echo "/var/tmp/tallystick-build-$(id -u)-$(echo "$repo" | cksum | cut -d ' ' -f 1)"
    fi
}

build=$(build_folder)
# shellcheck disable=SC2034  # for the scripts that source this
tally=$build/release/tally
# shellcheck disable=SC2034  # as above
lab=$build/release/tally-lab

# For a build that is only run: for a debugger the lines alone, which are what a backtrace names. The index is written:
# by it the tests are found.
# shellcheck disable=SC2034  # as above
plain=(-Xswiftc -gline-tables-only)

# `runuser -u NAME` keeps the caller's HOME, which that user cannot write; the compiler's cache lives there.
if [ ! -w "${HOME:-/nonexistent}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
    export HOME
fi

# The linker's remark about a function of Foundation is not ours to mend.
without_mktemp_remark() { sed -u '/the use of `mktemp. is dangerous/d'; }

# How far a build stands behind what runs beside it, as `nice` counts.
behind=0
swift_build() {
    command -v swift >/dev/null || die "the Swift toolchain (6.3) is not on the path"
    nice -n "$behind" swift build --package-path "$repo" --scratch-path "$build" \
        --explicit-target-dependency-import-check error "$@" 2>&1 | without_mktemp_remark
}
