#!/usr/bin/env bash
# Makes what compose.yaml reads from deploy/secrets; what is there already is kept, so it can be
# run again at any time. To renew a secret, delete its file first.
#
# Usage: deploy/make-secrets.sh [FOLDER]     PYTHON names the project's Python (default .venv's)
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
folder="${1:-$root/deploy/secrets}"
python="${PYTHON:-$root/.venv/bin/python}"
umask 077
mkdir -p "$folder"
# Nobody else enters the folder; the files themselves are mounted one by one and are read in the
# containers by users of other numbers.
chmod 0700 "$folder"
folder="$(cd -- "$folder" && pwd)"

put() { # put NAME: standard input becomes the file, at once and only if it is not there
    if [ -s "$folder/$1" ]; then
        cat >/dev/null
        return 0
    fi
    cat >"$folder/.$1"
    [ -s "$folder/.$1" ] || { echo "make-secrets.sh: nothing for $1" >&2; return 1; }
    chmod 0444 "$folder/.$1"
    mv "$folder/.$1" "$folder/$1"
}

password() { "$python" -c 'import secrets; print(secrets.token_hex(32), end="")'; }

password | put postgres_password
password | put surehand_secret
password | put surehand_metrics_token
for service in review_queue trainer; do
    password | put "postgres_${service}_password"
    printf 'postgresql+psycopg://%s:%s@postgres:5432/%s' "$service" \
        "$(cat "$folder/postgres_${service}_password")" "$service" |
        put "surehand_${service}_database_url"
done
[ -s "$folder/redis_conf" ] || printf 'requirepass %s\n' "$(password)" | put redis_conf
printf 'redis://:%s@redis:6379/0' "$(awk '$1 == "requirepass" {print $2}' "$folder/redis_conf")" |
    put surehand_redis_url

# The private key stays in keys/ with the operator; the services get keys/public and a token.
if [ ! -s "$folder/surehand_service_token" ]; then
    (cd "$root" && "$python" -m services token --home "$folder" --role service \
        --subject compose --hours 8760) | tr -d '\n' | put surehand_service_token
fi

# The review queue signs the tokens of one-time links with a key of its own.
if [ ! -d "$folder/signing/keys" ]; then
    rm -rf "$folder/.signing" && mkdir "$folder/.signing"
    (cd "$root" && "$python" -m services token --home "$folder/.signing" --role caller \
        --subject none --hours 0.01) >/dev/null
    chmod -R a+rX "$folder/.signing/keys"
    mv "$folder/.signing" "$folder/signing"
fi
cp "$folder"/signing/keys/public/*.pem "$folder/keys/public/"
chmod -R a+rX "$folder/keys/public"
echo "secrets are in $folder"
