#!/usr/bin/env bash
# Installs edge-emotion as a service of Raspberry Pi OS or Debian: sudo bash deploy/install.sh (--help tells more).
# Every change of the system goes through `change` or `put`, so that --dry-run is the same path with its hands tied.
set -euo pipefail
umask 022 # what is installed is for the service's user too

usage() {
    cat <<'END'
usage: sudo bash install.sh [OPTION]...
Installs edge-emotion, from the clone or the wheel beside it, and runs it as a service: apt packages, an environment,
/etc/edge-emotion.toml (never overwritten), udev rules, the user edge-emotion, a systemd unit. A second run changes
what is not up to date, or nothing. For Raspberry Pi OS or Debian, Bookworm (12) or Trixie (13), 64 bit.

  --dry-run       print every command that would run, and run none of them; needs no root
  --no-service    without the systemd unit and its user
  --prefix DIR    where the environment is made (default /opt/edge-emotion)
  --wheels DIR    take Python packages from the wheels in DIR alone, without network
  --root DIR      only lay the files of /etc, below DIR: for an image of a system; needs no root
  --uninstall     remove all of it, but for the configuration, its recordings and apt's packages
  --purge         with --uninstall: the configuration and /var/lib/edge-emotion too
  --help          print this
END
}

die() {
    echo "install.sh: $*" >&2
    exit 1
}
say() { echo "install.sh: $*"; }

DEFAULT_PREFIX=/opt/edge-emotion
NAME=edge-emotion
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dry='' uninstall='' purge='' service=yes prefix='' wheels='' root=''
changes=0

parse() {
    while (($#)); do
        case $1 in
        --dry-run) dry=yes ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        --no-service) service='' ;;
        --prefix | --wheels | --root)
            if (($# < 2)) || [[ -z $2 || $2 == --* ]]; then die "$1: expected a folder after it"; fi
            printf -v "${1#--}" %s "$2"
            shift
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) die "unknown option '$1': expected one that --help lists" ;;
        esac
        shift
    done
    [[ -z $purge || -n $uninstall ]] || die "--purge: expected --uninstall beside it"
    [[ -z $wheels || -d $wheels ]] || die "--wheels $wheels: expected a folder of wheels; there is none of this name"
    [[ -z $root || -d $root ]] || die "--root $root: expected a folder; there is none of this name"
    [[ -z $wheels ]] || wheels=$(cd "$wheels" && pwd)
    [[ -z $root ]] || root=$(cd "$root" && pwd)
    command_link=/usr/local/bin/$NAME
    if [[ -z $prefix && -n $uninstall && -L $command_link ]]; then
        prefix=$(readlink "$command_link")
        prefix=${prefix%"/bin/$NAME"}
    fi
    prefix=${prefix:-$DEFAULT_PREFIX}
    prefix=${prefix%/}
    [[ $prefix =~ ^/[A-Za-z0-9._+-]+(/[A-Za-z0-9._+-]+)+$ && $prefix != *..* ]] ||
        die "--prefix '$prefix': expected a whole path of letters, digits and . _ + -, such as $DEFAULT_PREFIX"
    case ${prefix#/}/ in
    home/* | root/* | run/* | tmp/* | var/tmp/*) # as the unit has it: ProtectHome, PrivateTmp
        [[ -z $service || -n $uninstall ]] ||
            die "--prefix $prefix: the service cannot see that folder; choose one such as $DEFAULT_PREFIX" ;;
    esac
    config=$root/etc/$NAME.toml
    rules=$root/etc/udev/rules.d/99-$NAME.rules
    unit=$root/etc/systemd/system/$NAME.service
    backoff=$unit.d/10-backoff.conf
    ours=$prefix/.installed-by-$NAME # the folder is install.sh's own, to fill and to remove
    stamp=$prefix/made-from
    log=$prefix/setup.log
}

# Run a command that changes the system, or print it.
change() {
    changes=$((changes + 1))
    if [[ -n $dry ]]; then
        printf 'would run:'
        printf ' %q' "$@"
        echo
    else
        "$@"
    fi
}

# put TEXT FILE: write a file of mode 644, unless it is there and the same.
put() {
    if [[ -f $2 && $(<"$2") == "$1" ]]; then return; fi
    say "writing $2"
    change install -D -m 644 /dev/stdin "$2" <<<"$1" || die "cannot write $2: is the disk full, or read-only?"
}

check_machine() {
    local architecture
    command -v dpkg apt-get >/dev/null || die "no dpkg or apt-get: expected Raspberry Pi OS or Debian"
    architecture=$(dpkg --print-architecture)
    case $architecture in
    arm64 | amd64) ;;
    *) die "this system is $architecture; the networks' runtime is 64-bit alone: install the 64-bit Raspberry Pi OS" ;;
    esac
    command -v python3 >/dev/null || die "no python3: sudo apt install python3"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "$(python3 --version): expected Python 3.11 or newer, as Bookworm and Trixie have: upgrade the system"
    if [[ -z $dry && $(id -u) -ne 0 ]]; then
        die "only root may install: call it with sudo, or with --dry-run to see what it would do"
    fi
    if [[ -e $prefix && ! -e $ours ]] && [[ ! -d $prefix || -n $(ls -A "$prefix") ]]; then
        die "$prefix is there and not made by install.sh: remove it, or choose another --prefix"
    fi
}

installed() { [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == *"ok installed" ]]; }
known() { [[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [^\(] ]]; }

# apt_get ARGUMENTS: what it says is kept back, unless it fails.
apt_get() {
    local words
    if [[ -n $dry ]]; then
        change env DEBIAN_FRONTEND=noninteractive apt-get "$@"
        return
    fi
    changes=$((changes + 1))
    words=$(DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -o DPkg::Lock::Timeout=120 "$@" 2>&1 </dev/null) && return
    case $words in
    *'Could not get lock'* | *'Unable to lock'* | *'Unable to acquire'*)
        die "another apt is at work: wait until it has ended (a new system updates itself first), then run this again" ;;
    *'No space left'* | *'enough free space'*)
        die "the disk is full: make room (sudo apt clean), then run this again" ;;
    *resolving* | *resolve* | *'Could not connect'* | *'Failed to fetch'* | *'Unable to locate'* | *'no installation candidate'*)
        die "apt-get $1 does not get its packages: connect the network, or install ${missing[*]} by hand, then run this again" ;;
    *) die "apt-get $1 failed: $(grep '^E: ' <<<"$words" | tail -n 1)" ;;
    esac
}

install_packages() {
    local package
    missing=()
    for package in libportaudio2 python3-venv ca-certificates; do
        installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]})); then
        say "apt: the lists, then ${missing[*]}"
        apt_get update -q
    fi
    # Only Raspberry Pi's own archive has it. In the simulation of a dry run the lists may be old.
    if ! installed python3-picamera2 && known python3-picamera2; then missing+=(python3-picamera2); fi
    if ((${#missing[@]})); then
        apt_get install -q -y --no-install-recommends "${missing[@]}"
    fi
}

install_group_and_user() {
    local group member=()
    getent group "$NAME" >/dev/null || change groupadd --system "$NAME"
    [[ -n $service ]] || return 0
    for group in video audio i2c gpio iio; do
        if getent group "$group" >/dev/null; then member+=("$group"); fi
    done
    if ! id "$NAME" >/dev/null 2>&1; then
        change useradd --system --gid "$NAME" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
            --comment "$NAME service" "$NAME"
    fi
    for group in "${member[@]}"; do
        if [[ " $(id -nG "$NAME" 2>/dev/null) " != *" $group "* ]]; then change usermod -aG "$group" "$NAME"; fi
    done
}

install_files() {
    local before=$changes
    if [[ ! -e $config ]]; then
        put "$(<"$here/$NAME.toml")" "$config"
    elif [[ $(<"$config") != "$(<"$here/$NAME.toml")" ]]; then
        say "kept: $config, which differs from the sample $here/$NAME.toml"
    fi
    put "$(<"$here/99-$NAME.rules")" "$rules"
    ((changes == before)) || new_files=yes
    [[ -n $service ]] || return 0
    put "$(sed "s|^ExecStart=$DEFAULT_PREFIX/|ExecStart=$prefix/|" "$here/$NAME.service")" "$unit"
    if (($(systemd_version) >= 254)); then put "$(<"$here/$NAME-backoff.conf")" "$backoff"; fi
}

systemd_version() { systemctl --version 2>/dev/null | awk 'NR == 1 {print $2 + 0; found = 1} END {if (!found) print 0}'; }
systemd_runs() { [[ -d /run/systemd/system ]]; }
udev_runs() { [[ -S /run/udev/control ]]; }

link_command() {
    local program=$prefix/bin/$NAME
    [[ $(readlink "$command_link" 2>/dev/null) != "$program" ]] || return 0
    if [[ -e $command_link && ! -L $command_link ]]; then
        say "kept: $command_link, which is not ours; the program is $program"
    else
        change ln -sfn "$program" "$command_link"
    fi
}

start() {
    if [[ -n $new_files ]] && udev_runs; then
        change udevadm control --reload
        change udevadm trigger --action=change --subsystem-match=video4linux --subsystem-match=iio
    fi
    [[ -n $service ]] || return 0
    command -v systemctl >/dev/null || die "no systemctl: expected systemd, or --no-service"
    if [[ $(systemctl is-enabled "$NAME" 2>/dev/null) != enabled ]]; then change systemctl -q enable "$NAME"; fi
    if ! systemd_runs; then
        say "systemd does not run here: the service starts with the system"
    elif ((changes)); then
        change systemctl daemon-reload
        change systemctl restart "$NAME" || say "warning: the service does not start yet: journalctl -u $NAME tells why"
    fi
}

# As the service's user, so that what it says of devices is true for the service. Its findings stop nothing.
doctor() {
    local as=() code=0
    [[ -z $service ]] || as=(runuser -u "$NAME" --)
    if [[ -n $dry ]]; then
        echo "would run: ${as[*]} $prefix/bin/$NAME doctor"
        return
    fi
    (cd / && "${as[@]}" "$prefix/bin/$NAME" doctor) || code=$?
    say "doctor: exit code $code"
}

install_all() {
    new_files=''
    if [[ -n $root ]]; then
        install_files
    else
        check_machine
        find_project
        install_packages
        install_environment
        check_models
        install_group_and_user
        install_files
        link_command
        start
        doctor
    fi
    if ((changes == 0)); then
        say "nothing to change: all of it is up to date"
    elif [[ -n $dry ]]; then
        say "a dry run: nothing was changed"
    else
        say "done. Configuration: $config${service:+; events: journalctl -fu $NAME}"
    fi
}

remove() {
    local path
    for path in "$@"; do
        if [[ -e $path || -L $path ]]; then change rm -rf -- "$path"; fi
    done
}

uninstall_all() {
    if [[ -z $root ]]; then
        [[ -n $dry || $(id -u) -eq 0 ]] || die "only root may uninstall: call it with sudo, or with --dry-run"
        if [[ -e $unit ]] && systemd_runs; then change systemctl -q disable --now "$NAME"; fi
    fi
    remove "$unit" "$backoff" "$rules" "$root/etc/systemd/system/multi-user.target.wants/$NAME.service"
    if [[ -d $unit.d && -z $(ls -A "$unit.d") ]]; then change rmdir "$unit.d"; fi
    [[ -z $purge ]] || remove "$config"
    if [[ -z $root ]]; then
        if ((changes)) && systemd_runs; then change systemctl daemon-reload; fi
        if ((changes)) && udev_runs; then change udevadm control --reload; fi
        [[ $(readlink "$command_link" 2>/dev/null) != "$prefix/bin/$NAME" ]] || remove "$command_link"
        if [[ $(getent passwd "$NAME" | cut -d: -f5) == "$NAME service" ]]; then change userdel "$NAME"; fi
        if getent group "$NAME" >/dev/null; then change groupdel "$NAME"; fi
        if [[ -e $ours ]]; then
            remove "$prefix"
        elif [[ -e $prefix ]]; then
            say "kept: $prefix, which install.sh did not make"
        fi
        [[ -z $purge ]] || remove "/var/lib/$NAME"
    fi
    [[ -n $purge || ! -e $config ]] || say "kept: $config (--purge removes it)"
    if ((changes == 0)); then
        say "nothing to remove"
    elif [[ -n $dry ]]; then
        say "a dry run: nothing was changed"
    else
        say "removed; apt's packages stay"
    fi
}

# shellcheck source-path=SCRIPTDIR source=install_environment.sh
source "$here/install_environment.sh"
parse "$@"
if [[ -n $uninstall ]]; then uninstall_all; else install_all; fi
