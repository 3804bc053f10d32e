#!/bin/bash
# Run by the PostgreSQL image at its first start: one database and one role a service, and
# neither role may enter the other's database.
set -e

for service in review_queue trainer; do
    psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
        --dbname postgres --set service="$service" \
        --set password="$(cat "/run/secrets/postgres_${service}_password")" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
