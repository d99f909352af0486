#!/usr/bin/env bash
# Puts a backup into empty databases and an empty folder of artifacts, before the server starts for the first time.
#     deploy/restore.sh BACKUP    (started as a service: docs/team.md)
set -euo pipefail

[[ -f $1/optuna.dump ]] || { echo "There is no backup at $1." >&2; exit 1; }
for name in mlflow mlflow_auth optuna; do
    if [[ $name == optuna ]]; then export PGUSER=optuna PGPASSWORD=$TEAM_STUDIES_PASSWORD; fi
    tables=$(psql --tuples-only --no-align --command "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" "$name")
    if ((tables)); then
        echo "The database $name is not empty: restore where no server has started yet." >&2
        exit 1
    fi
    pg_restore --no-owner --exit-on-error --single-transaction --dbname="$name" "$1/$name.dump"
done
if [[ -f $1/artifacts.tar ]]; then
    mkdir -p "$TEAM_ARTIFACTS"
    tar --extract --directory="$TEAM_ARTIFACTS" --file="$1/artifacts.tar"
fi
echo "Restored: $1"
