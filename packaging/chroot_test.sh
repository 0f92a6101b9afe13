#!/bin/sh
# Proves `make run` and `make test` on a bare Debian 12: debootstrap's minimal system plus python3, make, git and
# ca-certificates, and the commit that is checked out here.
#
#   make chroot-test [ARGS="--keep FOLDER run test"]
#
# --keep FOLDER  keep the systems in FOLDER and start from the bare one that is there already
# run, test      only these (both unless said)
#
# How this machine reaches package registries (pip's and apt's configuration, certificates, folders of wheels) is
# passed on as it is found. Everything is mounted in a mount namespace of its own, so nothing can stay mounted.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm
mirror=${MIRROR:-http://deb.debian.org/debian}

say() { printf 'chroot-test: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# ------------------------------------------------- inside the mount namespace: inside SYSTEM WHAT

pip_words() { # what pip is configured with here, one value a line
    for pip in "$here/.venv/bin/python -m pip" "python3 -m pip"; do
        # shellcheck disable=SC2086 - two words on purpose
        $pip config list 2>/dev/null && break
    done | sed -n "s/^[^=]*='\(.*\)'\$/\1/p" | tr ' ' '\n'
}

share() { # SYSTEM PATH: show a folder or file of this machine at the same place inside, read-only
    if [ -d "$2" ]; then
        mkdir -p "$1$2"
        mount --bind "$2" "$1$2"
        mount -o remount,bind,ro "$1$2"
    elif [ -f "$2" ] && [ ! -e "$1$2" ]; then
        mkdir -p "$(dirname "$1$2")"
        cp "$2" "$1$2"
    fi
}

pass_on_the_way_to_registries() { # SYSTEM
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$1/etc/pip.conf"
    for file in .config/pip/pip.conf .pip/pip.conf; do
        [ ! -f "$HOME/$file" ] || { mkdir -p "$1/root/${file%/*}" && cp "$HOME/$file" "$1/root/$file"; }
    done
    # An index in a folder links to files beside that folder: its parent is what must be seen.
    pip_words | sed -n 's#/*$##; s#^file://\(/..*\)/[^/]*$#\1#; \#^/#p' | sort -u | while read -r path; do
        share "$1" "$path"
    done
    if [ -d /usr/local/share/ca-certificates ]; then
        cp -r /usr/local/share/ca-certificates/. "$1/usr/local/share/ca-certificates/"
        chroot "$1" update-ca-certificates >/dev/null 2>&1
    fi
    if command -v apt-config >/dev/null; then
        apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-)' > "$1/etc/apt/apt.conf.d/90host" || true
    fi
    cp /etc/resolv.conf /etc/hosts "$1/etc/" 2>/dev/null || true
}

enter() { # SYSTEM COMMAND: run it there as root would at a first login, without a display
    system=$1
    shift
    # shellcheck disable=SC2046 - one word a variable: names and addresses without blanks
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        $(env | grep -iE '^(PIP_[A-Z_]*|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)=[^ ]*$') \
        chroot "$system" sh -c "cd /root/perigee && $*"
}

inside() {
    system=$1
    what=$2
    mount -t proc proc "$system/proc"
    mount -t sysfs -o ro sysfs "$system/sys"
    mount --rbind /dev "$system/dev"
    mount -t tmpfs tmpfs "$system/dev/shm"
    pass_on_the_way_to_registries "$system"
    rm -rf "$system/root/perigee"
    git clone -q --no-hardlinks "$here" "$system/root/perigee"

    say "$what: make setup as a user who may install nothing"
    cp -r "$system/root/perigee" "$system/tmp/nobody"
    chown -R nobody "$system/tmp/nobody"
    refused=0
    said=$(chroot "$system" setpriv --reuid=nobody --regid=nogroup --clear-groups \
        make -C /tmp/nobody setup 2>&1) || refused=$?
    [ "$refused" -eq 2 ] || die "$what: that must fail with exit code 2, not $refused: $said"
    case $said in *"apt-get install"*python3-venv*libegl1*) ;; *) die "$what: no command was named: $said" ;; esac
    rm -rf "$system/tmp/nobody"

    say "$what: make $what on the bare system"
    enter "$system" "make $what"
    if [ "$what" = run ]; then
        if ls -d "$system"/root/perigee/.venv/lib/python3*/site-packages/torch >/dev/null 2>&1; then
            die "make run installed torch"
        fi
        say "run: again, without a network: it must start at once"
        begin=$(date +%s)
        enter "$system" "unshare -n make run ARGS=--version"
        took=$(($(date +%s) - begin))
        [ "$took" -le 5 ] || die "the second make run took $took s"
    elif ls -d "$system"/root/perigee/.venv/lib/python3*/site-packages/nvidia >/dev/null 2>&1; then
        die "make test installed CUDA"
    fi
}

if [ "${1:-}" = inside ]; then
    inside "$2" "$3"
    exit
fi

# ------------------------------------------------- outside

keep=
wanted=
while [ $# -gt 0 ]; do
    case $1 in
        --keep) [ $# -ge 2 ] || die "--keep names a folder"; keep=$2; shift 2 ;;
        run | test) wanted="$wanted $1"; shift ;;
        *) die "'$1' is not understood: --keep FOLDER, run, test" ;;
    esac
done
[ "$(id -u)" -eq 0 ] || die "only root may make a chroot: sudo make chroot-test"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"

if [ -n "$keep" ]; then
    mkdir -p "$keep"
    folder=$(cd "$keep" && pwd)
else
    folder=$(mktemp -d "${TMPDIR:-/tmp}/perigee-chroot.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 130' INT TERM
fi

if [ ! -e "$folder/bare/etc/debian_version" ] || [ -e "$folder/bare/debootstrap" ]; then
    say "debootstrap $suite into $folder/bare"
    rm -rf "$folder/bare"
    debootstrap --variant=minbase --include=python3,make,git,ca-certificates "$suite" "$folder/bare" "$mirror" \
        > "$folder/debootstrap.log" 2>&1 || { tail -n 5 "$folder/debootstrap.log" >&2; die "debootstrap failed"; }
fi

for what in ${wanted:-run test}; do
    rm -rf "${folder:?}/$what"
    cp -a --reflink=auto "$folder/bare" "$folder/$what"
    unshare --mount --propagation private --pid --fork --kill-child "$0" inside "$folder/$what" "$what"
    say "make $what: proven"
    [ -n "$keep" ] || rm -rf "${folder:?}/$what"
done
