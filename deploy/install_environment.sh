# shellcheck shell=bash
# Part of install.sh: the environment at the prefix, from which project, and by which versions.
# shellcheck disable=SC2154  # here, dry, prefix, wheels, ours, stamp, log are install.sh's

ROOM=900 # MB free at the prefix: an install takes 250, and pip unpacks beside it

# Files that this is made from: the folder with pyproject.toml and constraints.txt, or of a wheel and constraints.txt.
find_project() {
    local found=()
    lock=$here/constraints.txt
    [[ -f $lock ]] || lock=$here/../constraints.txt
    [[ -f $lock ]] || die "no constraints.txt in $here or above it: expected the whole clone, or all that lies beside a wheel"
    shopt -s nullglob
    found=(${wheels:+"$wheels"/edge_emotion-*.whl})
    ((${#found[@]})) || found=("$here"/edge_emotion-*.whl)
    shopt -u nullglob
    ((${#found[@]} < 2)) || die "expected one wheel of edge-emotion, found ${found[*]}: remove the old ones"
    if ((${#found[@]})); then
        project=${found[0]}
    elif [[ -f $here/../pyproject.toml ]]; then
        project=$(cd "$here/.." && pwd)
    else
        die "no pyproject.toml above $here and no edge_emotion-*.whl in it: call install.sh where it lies in the clone"
    fi
}

check_room() {
    local place=$prefix free
    while [[ ! -d $place ]]; do place=$(dirname "$place"); done
    free=$(df -Pm "$place" | awk 'NR == 2 {print $4}')
    ((free >= ROOM)) || die "$free MB free at $place, expected $ROOM: make room (sudo apt clean), or choose another --prefix"
}

# What apt's numpy is, when picamera2 is there: "1" or "2", "" without picamera2.
numpy_of_picamera2() {
    python3 - <<'END' 2>/dev/null || true
import importlib.util
if importlib.util.find_spec("picamera2"):
    import numpy
    print(numpy.__version__.partition(".")[0])
END
}

# The lock, but where apt's numpy is 1 the last of each that runs on it: picamera2 brings simplejpeg and pidng, built
# against numpy 1.24 on Bookworm, and these load with any later numpy 1 and with no numpy 2.
constraints() {
    local lines
    lines=$(<"$lock")
    if [[ $system_numpy == 1 ]]; then
        lines=$(sed -e 's/^numpy==.*/numpy==1.26.4/' -e 's/^opencv-python-headless==.*/opencv-python-headless==4.11.0.86/' \
            -e 's/^ml-dtypes==.*/ml-dtypes==0.5.4/' <<<"$lines")
    fi
    echo "$lines"
}

# Hash of all that the environment is made from.
fingerprint() {
    {
        python3 -c 'import sys; print(sys.version)'
        echo "$prefix $system_numpy"
        constraints
        if [[ -f $project ]]; then
            sha256sum <"$project"
        else
            (cd "$project" && find pyproject.toml edge train export -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z |
                xargs -0 sha256sum)
        fi
    } | sha256sum | cut -d' ' -f1
}

pip_install() {
    local how=(-m pip --disable-pip-version-check --no-input install -c "$prefix/constraints.txt")
    [[ -z $wheels ]] || how+=(--no-index --find-links "$wheels")
    if [[ -n $dry ]]; then
        change "$prefix/bin/python" "${how[@]}" "$@"
        return
    fi
    changes=$((changes + 1))
    if ! "$prefix/bin/python" "${how[@]}" "$@" >>"$log" 2>&1 </dev/null; then
        ! grep -q 'No space left' "$log" || die "the disk is full: make room (sudo apt clean), then run this again"
        if grep -qE 'name resolution|NewConnectionError|ConnectTimeout|No matching distribution' "$log"; then
            die "pip does not get all packages ($(grep -E '^ERROR: ' "$log" | tail -n 1)): connect the network, or give all wheels by --wheels DIR"
        fi
        die "pip failed: $(grep -E '^ERROR: ' "$log" | tail -n 1); see $log"
    fi
}

install_environment() {
    local wanted older=yes options=()
    system_numpy=$(numpy_of_picamera2)
    wanted=$(fingerprint)
    if [[ -f $stamp && $(<"$stamp") == "$wanted" && -x $prefix/bin/$NAME ]]; then return; fi
    check_room
    say "making the environment $prefix from $project (minutes; pip's words: $log)"
    [[ -d $prefix ]] || change mkdir -p "$prefix"
    [[ -e $ours ]] || change touch "$ours"
    [[ -z $system_numpy ]] || options=(--system-site-packages) # picamera2 is nowhere but there
    [[ ! -e $stamp ]] || change rm "$stamp"                        # what is half made is made again
    # An older environment is brought up to date, so that the service has a whole one when the network fails.
    if ! runs_this_python "${options[@]}"; then
        change python3 -m venv --clear "${options[@]}" "$prefix" ||
            die "python3 cannot make an environment: sudo apt install --reinstall python3-venv"
        change touch "$ours"
        older=''
    fi
    put "$(constraints)" "$prefix/constraints.txt"
    [[ -n $dry ]] || : >"$log"
    pip_install "$project"
    # Of the same version number the older one would stay.
    [[ -z $older ]] || pip_install --force-reinstall --no-deps "$project"
    if [[ -n $system_numpy && -z $dry ]]; then
        "$prefix/bin/python" -c 'import picamera2' 2>>"$log" ||
            say "warning: picamera2 does not load, so ribbon cameras will not work: see the end of $log"
    fi
    put "$wanted" "$stamp"
}

# Whether the environment's Python starts, is this one, and sees apt's packages as told.
runs_this_python() {
    local seen=false
    (($# == 0)) || seen=true
    [[ -x $prefix/bin/python && -f $prefix/pyvenv.cfg ]] || return 1
    grep -q "^include-system-site-packages = $seen" "$prefix/pyvenv.cfg" || return 1
    [[ $("$prefix/bin/python" -c 'import pip, sys; print(sys.version)' 2>/dev/null) == "$(python3 -c 'import sys; print(sys.version)')" ]]
}

check_models() {
    if [[ -n $dry ]]; then
        echo "would run: $prefix/bin/$NAME models"
        return
    fi
    "$prefix/bin/$NAME" models >/dev/null || die "the models are not whole: run this again after removing $stamp"
    say "the models are whole"
}
