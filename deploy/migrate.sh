#!/usr/bin/env bash
# Makes the tables of the three databases, or brings those of earlier versions up to date; make a backup before.
set -euo pipefail

mlflow db upgrade postgresql:///mlflow
python -m mlflow.server.auth db upgrade --url postgresql:///mlflow_auth
export PGUSER=optuna PGPASSWORD=$TEAM_STUDIES_PASSWORD
# Listing the studies makes missing tables, and fails if the tables are old.
optuna studies --storage postgresql:///optuna >/dev/null 2>&1 || optuna storage upgrade --storage postgresql:///optuna
