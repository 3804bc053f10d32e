#!/usr/bin/env bash
# One door to the container engine: docker with a running daemon, else podman.
#
#   engine.sh detect            docker | podman
#   engine.sh install           podman and its parts, from Debian's packages (root)
#   engine.sh images            base and server images, one NAME=IMAGE a line
#   engine.sh build [SERVICE…]  the service images (default: all four), with their sizes
#   engine.sh run ARGS…         the engine itself, with this machine's settings
#   engine.sh up                the stack of compose.yaml, in order; returns once it is started
#   engine.sh compose ARGS…     its compose: logs, ps, down …
#   engine.sh clean             removes the base images that were made here
#
# Where no image registry answers, the base images are made from Debian's packages, with the
# mirror that this machine's own apt uses. Everything that is particular to a machine is decided
# when this runs and kept in DEPLOY_ENGINE_CACHE (default .cache/engine). README.md lists the
# DEPLOY_ variables; they are no SUREHAND_ ones, since a service refuses any of those that it
# does not know.
set -euo pipefail

deploy="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname -- "$deploy")"
cache="${DEPLOY_ENGINE_CACHE:-$root/.cache/engine}"
suite="${DEPLOY_DEBIAN_SUITE:-trixie}"
tag="${DEPLOY_TAG:-dev}"
project="${DEPLOY_PROJECT:-surehand}"
pull_seconds="${DEPLOY_PULL_SECONDS:-300}"
packages="podman buildah runc netavark aardvark-dns nftables podman-compose catatonit debootstrap"

say() { printf '%s\n' "$*" >&2; }
die() {
    say "engine.sh: $*"
    exit 1
}

detect() {
    if [ -n "${DEPLOY_ENGINE:-}" ]; then
        echo "$DEPLOY_ENGINE"
    elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        echo docker
    elif command -v podman >/dev/null; then
        echo podman
    else
        die "no container engine: start docker, or run 'deploy/engine.sh install' for podman"
    fi
}

install_engine() {
    command -v apt-get >/dev/null || die "install podman by hand: this is not a Debian machine"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
}

# A container asks for the limits its engine has by default, which a process that may not raise
# its own (a sandbox, a container) cannot give: it gets what this process may have.
settings() {
    mkdir -p "$cache"
    [ "$engine" = podman ] || return 0
    export PODMAN_IGNORE_CGROUPSV1_WARNING=1
    if [ ! -d /run/systemd/system ] && [ -z "${CONTAINERS_CONF_OVERRIDE:-}" ]; then
        {
            echo '[containers]'
            echo "default_ulimits=[\"nofile=$(limit -Hn)\",\"nproc=$(limit -Hu)\"]"
            echo '[engine]'
            echo 'cgroup_manager="cgroupfs"'
            ! command -v runc >/dev/null || echo 'runtime="runc"'
        } >"$cache/containers.conf.$$"
        mv "$cache/containers.conf.$$" "$cache/containers.conf"
        export CONTAINERS_CONF_OVERRIDE="$cache/containers.conf"
    fi
}

limit() {
    local most
    most="$(ulimit "$1")"
    [ "$most" != unlimited ] || most=1048576
    echo "$most:$most"
}

have() { "$engine" image inspect "$1" >/dev/null 2>&1; }

# certificate_bundle: what pip in a build trusts. A secret of the build, so in no image.
certificate_bundle() {
    local bundle="${DEPLOY_BUILD_CA:-${PIP_CERT:-${SSL_CERT_FILE:-}}}"
    if [ -z "$bundle" ] && command -v python3 >/dev/null; then
        bundle="$(python3 -c 'import ssl; print(ssl.get_default_verify_paths().cafile or "")')"
    fi
    [ -z "$bundle" ] || [ ! -r "$bundle" ] || echo "$bundle"
}

# build_image NAME FILE CONTEXT [ARGS…]
build_image() {
    local name="$1" file="$2" context="$3" bundle pip_settings log status=0
    shift 3
    log="$cache/${name//[\/:]/-}.log"
    local options=(--file "$file" --tag "$name")
    bundle="$(certificate_bundle)"
    [ -z "$bundle" ] || options+=(--secret "id=build_ca,src=$bundle")
    pip_settings="$(mktemp)" # may hold an index's password: 0600, gone after the build
    {
        echo '[global]'
        [ -z "${PIP_INDEX_URL:-}" ] || echo "index-url = $PIP_INDEX_URL"
        [ -z "${PIP_EXTRA_INDEX_URL:-}" ] || echo "extra-index-url = $PIP_EXTRA_INDEX_URL"
        [ -z "${PIP_TRUSTED_HOST:-}" ] || echo "trusted-host = $PIP_TRUSTED_HOST"
        [ -z "${PIP_DEFAULT_TIMEOUT:-}" ] || echo "timeout = $PIP_DEFAULT_TIMEOUT"
    } >"$pip_settings"
    options+=(--secret "id=pip_settings,src=$pip_settings")
    if [ "$engine" = podman ]; then # only docker's image format keeps HEALTHCHECK
        options+=(--format docker --pull=never)
    fi
    "$engine" build "${options[@]}" "$@" "$context" >"$log" 2>&1 || status=$?
    rm -f "$pip_settings"
    [ "$status" = 0 ] || { tail -25 "$log" >&2; die "building $name failed: all of it is in $log"; }
}

# The repositories of this suite in the machine's apt: "site suite component" a line.
apt_repositories() {
    command -v apt-get >/dev/null || die "no registry answers, and no apt to make images from"
    apt-get indextargets --format "\$(SITE) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
        awk -v suite="$suite" \
            '$1 ~ /^https?:/ && ($2 == suite || index($2, suite "-") == 1)' | sort -u
}

make_debian() {
    local name="$1" repositories mirror work
    [ "$(id -u)" = 0 ] || die "making base images needs root (debootstrap)"
    command -v debootstrap >/dev/null || die "debootstrap is missing: deploy/engine.sh install"
    repositories="$(apt_repositories)"
    mirror="$(awk -v suite="$suite" '$2 == suite {print $1; exit}' <<<"$repositories")"
    [ -n "$mirror" ] || die "this machine's apt has no source for $suite"
    say "no registry answers: making $name with debootstrap"
    work="$(mktemp -d)"
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$work'" EXIT
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/root" "$mirror" \
        >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; die "debootstrap failed"; }
    awk '{print "deb " $1, $2, $3}' <<<"$repositories" >"$work/root/etc/apt/sources.list"
    printf 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDPkg::Post-Invoke {"%s"};\n' \
        'rm -f /var/cache/apt/archives/*.deb' >"$work/root/etc/apt/apt.conf.d/no-cache"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info \
        >"$work/root/etc/dpkg/dpkg.cfg.d/no-documentation"
    rm -rf "$work"/root/var/lib/apt/lists/* "$work"/root/var/cache/apt/*.bin \
        "$work"/root/var/cache/apt/archives/*.deb "$work"/root/usr/share/{doc,man,locale,info}/* \
        "$work"/root/var/log/*.log "$work"/root/dev/*
    tar -C "$work/root" -c . | "$engine" import --change 'CMD ["bash"]' - "$name" >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; die "import failed"; }
    rm -rf "$work"
    trap - EXIT
}

# choose VARIABLE ORDINARY LOCAL: prints the image to use, or nothing if one must be made.
choose() {
    local wanted="${!1:-}" ordinary="$2" local_name="$3"
    if [ -n "$wanted" ]; then
        echo "$wanted"
    elif have "$ordinary"; then
        echo "$ordinary"
    elif have "$local_name"; then
        echo "$local_name"
    elif timeout "$pull_seconds" "$engine" pull --quiet "$ordinary" >/dev/null 2>&1; then
        echo "$ordinary"
    fi
}

debian_image() {
    local name=surehand-local/debian:$suite-slim
    have "$name" || make_debian "$name"
    echo "$name"
}

# image VARIABLE ORDINARY LOCAL FILE
image() {
    local chosen debian
    chosen="$(choose "$1" "$2" "$3")"
    if [ -z "$chosen" ]; then
        chosen="$3"
        debian="$(debian_image)"
        say "making $chosen"
        build_image "$chosen" "$deploy/local-images/$4" "$deploy/local-images" \
            --build-arg "DEBIAN_IMAGE=$debian"
    fi
    echo "$chosen"
}

python_image() {
    image DEPLOY_PYTHON_IMAGE python:3.13-slim surehand-local/debian-python:3.13 \
        python.Containerfile
}

server_images() {
    local postgres redis
    postgres="$(image DEPLOY_POSTGRES_IMAGE postgres:17 surehand-local/debian-postgres:17 \
        postgres.Containerfile)"
    redis="$(image DEPLOY_REDIS_IMAGE valkey/valkey:8 surehand-local/debian-valkey:8 \
        redis.Containerfile)"
    printf 'DEPLOY_POSTGRES_IMAGE=%s\nDEPLOY_REDIS_IMAGE=%s\n' "$postgres" "$redis"
}

size() {
    "$engine" image inspect --format '{{.Size}}' "$1" | awk '{printf "%.0f MB", $1 / 1e6}'
}

build_services() {
    local python service started
    [ $# -gt 0 ] || set -- router review_queue trainer console
    python="$(python_image)"
    say "base: $python ($(size "$python"))"
    for service in "$@"; do
        started=$SECONDS
        build_image "surehand/$service:$tag" "$deploy/$service.Containerfile" "$root" \
            --build-arg "PYTHON_IMAGE=$python"
        printf '%-13s %s:%s  %s  %s s\n' "$service" "surehand/$service" "$tag" \
            "$(size "surehand/$service:$tag")" "$((SECONDS - started))"
    done
}

compose() {
    export DEPLOY_TAG="$tag"
    if [ "$engine" = docker ]; then
        docker compose --project-name "$project" --file "$deploy/compose.yaml" "$@"
        return
    fi
    command -v podman-compose >/dev/null || die "podman-compose is missing: engine.sh install"
    # Without depends_on, whose order `up` keeps itself: podman cannot start a container that
    # requires a finished job which required another one.
    awk '/^    depends_on:/ {inside = 1; next} inside && /^      / {next} {inside = 0; print}' \
        "$deploy/compose.yaml" >"$cache/compose.yaml"
    DEPLOY_FOLDER="$deploy" DEPLOY_SECRETS="${DEPLOY_SECRETS:-$deploy/secrets}" \
        podman-compose --project-name "$project" --file "$cache/compose.yaml" "$@"
}

container() {
    podman ps --all --quiet --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1"
}

# Health checks run by themselves only where systemd keeps time for podman.
await_healthy() {
    local tries=0
    until podman healthcheck run "$(container "$1")" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || { podman logs "$(container "$1")" >&2; die "$1 is not healthy"; }
        sleep 0.5
    done
}

up() {
    local images service
    images="$(server_images)"
    export DEPLOY_POSTGRES_IMAGE DEPLOY_REDIS_IMAGE
    DEPLOY_POSTGRES_IMAGE="$(sed -n 's/^DEPLOY_POSTGRES_IMAGE=//p' <<<"$images")"
    DEPLOY_REDIS_IMAGE="$(sed -n 's/^DEPLOY_REDIS_IMAGE=//p' <<<"$images")"
    if [ "$engine" = docker ]; then
        compose up --detach
        return
    fi
    start postgres redis
    for service in postgres redis; do await_healthy "$service"; done
    start review_queue_migrate trainer_migrate
    for service in review_queue_migrate trainer_migrate; do
        [ "$(podman wait "$(container "$service")")" = 0 ] ||
            { podman logs "$(container "$service")" >&2; die "$service failed"; }
    done
    start router review_queue trainer console
}

# podman-compose exits with 0 whatever happened, so what it started is looked at.
start() {
    local service
    compose up --detach --no-build "$@" >"$cache/up.log" 2>&1 || true
    for service in "$@"; do
        [ -n "$(container "$service")" ] || { tail -20 "$cache/up.log" >&2; die "no $service"; }
    done
}

clean() {
    local name
    for name in debian-postgres:17 debian-valkey:8 debian-python:3.13 "debian:$suite-slim"; do
        ! have "surehand-local/$name" || "$engine" rmi "surehand-local/$name" >/dev/null
    done
}

command="${1:-help}"
[ $# -eq 0 ] || shift
case "$command" in
    install) install_engine ;;
    detect | images | build | run | up | compose | clean)
        engine="$(detect)"
        settings
        case "$command" in
            detect) echo "$engine" ;;
            images) echo "DEPLOY_PYTHON_IMAGE=$(python_image)" && server_images ;;
            build) build_services "$@" ;;
            run) exec "$engine" "$@" ;;
            up) up ;;
            compose) compose "$@" ;;
            clean) clean ;;
        esac
        ;;
    *)
        sed -n '2,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        [ "$command" = help ] || exit 2
        ;;
esac
