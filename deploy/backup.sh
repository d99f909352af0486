#!/usr/bin/env bash
# Writes the three databases and the folder of artifacts to a new folder below FOLDER, which `latest` then names.
#     deploy/backup.sh FOLDER    (started as a service: docs/team.md)
# The server may run: what it makes meanwhile is in the next backup. A bucket is not copied: let it keep versions.
set -euo pipefail

new=$1/$(date -u +%Y-%m-%dT%H%M%S)
umask 077
mkdir -p "$new.part"
pg_dump --format=custom --file="$new.part/mlflow.dump" mlflow
pg_dump --format=custom --file="$new.part/mlflow_auth.dump" mlflow_auth
PGUSER=optuna PGPASSWORD=$TEAM_STUDIES_PASSWORD pg_dump --format=custom --file="$new.part/optuna.dump" optuna
# After the databases: files that no row names yet do no harm, rows without their files would.
if [[ $TEAM_ARTIFACTS != *://* ]]; then
    mkdir -p "$TEAM_ARTIFACTS"
    tar --create --directory="$TEAM_ARTIFACTS" --file="$new.part/artifacts.tar" . || (($? == 1)) # 1: files changed
fi
mv "$new.part" "$new"
ln -sfn "$(basename "$new")" "$1/latest"
echo "Written: $new"
